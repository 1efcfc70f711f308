"""Entry point of `python3 tools/awsmodel`."""

import sys

import cli

sys.exit(cli.main(sys.argv[1:]))
