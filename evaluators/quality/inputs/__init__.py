"""What a metric is given: three uint8 images, their grey levels, and values that several metrics share."""
