#include "net/certificate_index.hpp"

#include <gtest/gtest.h>

namespace gh::net {
namespace {

TEST(CertificateIndex, FindsExactNamesBeforeWildcardsAndNothingElse) {
    CertificateIndex index;
    EXPECT_TRUE(index.add("a.example", 0));
    EXPECT_TRUE(index.add("*.example", 1));
    EXPECT_TRUE(index.add("*.a.example", 2));
    EXPECT_TRUE(index.add("localhost", 3));
    EXPECT_FALSE(index.add("a.example", 4));
    struct Case {
        std::string name;
        std::size_t found;
    };
    const Case cases[] = {
        {"a.example", 0},
        {"A.EXAMPLE", 0},
        {"b.example", 1},
        {"x.a.example", 2},
        {"localhost", 3},
        {"x.b.example", CertificateIndex::none},
        {"example", CertificateIndex::none},
        {".example", CertificateIndex::none},
        {"*.example", CertificateIndex::none},
        {"a.example.", CertificateIndex::none},  // RFC 6066 §3: without the dot
        {"", CertificateIndex::none},
        {std::string(250, 'x') + ".example", CertificateIndex::none},
        {std::string("a.example\0", 10), CertificateIndex::none},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        EXPECT_EQ(index.find(c.name), c.found);
    }
}

}  // namespace
}  // namespace gh::net
