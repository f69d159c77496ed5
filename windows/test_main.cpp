#include <gtest/gtest.h>

#include <string>
#include <vector>

// Programs of this folder are given their arguments as Windows has them.
int wmain(int argc, wchar_t** argv) {
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
