"""The guideline's rules R-nn, each as data with its check; ``catalogue`` lists them all."""
