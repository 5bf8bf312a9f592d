"""What is done to hosts, one stage after the other; each looks first whether it is done already."""
