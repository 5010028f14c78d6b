"""What a detector's boxes are worth: average precision per class."""
