"""Semantic segmentation as a downstream task: DeepLabV3+ judges fused images against the dataset's labels.

``spec``, ``protocols``, ``metric_specs`` are data; ``confusion``, ``boundary``, ``set_scores`` the metrics;
``recipe``, ``network``, ``samples``, ``training``, ``prediction`` the segmenter; ``judges`` chooses it,
``evaluator`` scores, ``details`` leaves what reports need."""
