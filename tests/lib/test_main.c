/* In an object of its own: a program with a main of its own (a benchmark) may link the rest. */
#include "tests/lib/test.h"

int main(int argc, char **argv)
{
    return test_run(argc, argv);
}
