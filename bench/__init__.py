"""Measurements, side by side in one run, as ratios: machines differ, and so do days."""
