"""What detection and segmentation share: labelled sets, neutral training images, training schedules, details.

No plugin itself.
"""
