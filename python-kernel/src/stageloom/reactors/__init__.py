"""Reactors: generators that ask for ingredients and send others, remembered by what they asked and were told."""
