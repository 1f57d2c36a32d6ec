// styles are bundled into panel.css by the build
declare module "*.css";
