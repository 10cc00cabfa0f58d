import sys

from fuzzing.trial import main

sys.exit(main(sys.argv[1:]))
