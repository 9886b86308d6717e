"""The benchmarks that the README's figures come from: `make bench`, or `python -m bench --help`.

Everything runs on one embedded server with its settings untouched (`fsync` and `synchronous_commit` on), in a
temporary folder, contenders in turn; what was started is stopped, and the books are added up at the end.
"""
