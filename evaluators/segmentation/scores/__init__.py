"""What a segmenter's labels are worth: confusion, IoU, boundary scores."""
