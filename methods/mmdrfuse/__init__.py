"""MMDRFuse, the student and its teacher: ``spec`` (data) and ``network`` (the ported networks)."""
