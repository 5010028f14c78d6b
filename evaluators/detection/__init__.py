"""Detection: a YOLO judge (package ultralytics, AGPL-3.0, used as a library) finds objects in fused images;
average precision as COCO defines it. Protocols, class maps, retraining, and the small judge of the demo
scenes that ships with the package.
"""
