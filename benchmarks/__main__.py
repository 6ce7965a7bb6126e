"""Print the table of benchmarks: python -m benchmarks."""

from benchmarks.measure import main

# The workers that some benchmarks start import what they run from `measure`, not from here.
if __name__ == "__main__":
    main()
