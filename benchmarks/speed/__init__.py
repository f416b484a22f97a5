"""ecolint measured against labelled real code; run as `python benchmarks/accuracy`."""
