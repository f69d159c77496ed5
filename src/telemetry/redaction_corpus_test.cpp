#include <gtest/gtest.h>
TEST(RedactionCorpus, Later) {}
