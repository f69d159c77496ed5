#include "vault/transit/parcel.hpp"

#include <gtest/gtest.h>

namespace gh::vault::transit {
namespace {

TEST(Parcel, ReadsWhatItWritesAndNothingElse) {
    struct Case {
        std::string_view text, detail;  ///< empty: must be read
    };
    constexpr Case cases[] = {
        {"vault:v1:aGVsbG8=", ""},
        {"vault:v4294967295:", ""},
        {"", "invalid ciphertext: no prefix"},
        {"vault:1:aGVsbG8=", "invalid ciphertext: no prefix"},
        {"Vault:v1:aGVsbG8=", "invalid ciphertext: no prefix"},
        {"vault:v1", "invalid ciphertext: wrong number of fields"},
        {"vault:v:aGVsbG8=", "invalid ciphertext: version number could not be decoded"},
        {"vault:v0:aGVsbG8=", "invalid ciphertext: version number could not be decoded"},
        {"vault:v01:aGVsbG8=", "invalid ciphertext: version number could not be decoded"},
        {"vault:v-1:aGVsbG8=", "invalid ciphertext: version number could not be decoded"},
        {"vault:v1x:aGVsbG8=", "invalid ciphertext: version number could not be decoded"},
        {"vault:v4294967296:aGVsbG8=", "invalid ciphertext: version number could not be decoded"},
        {"vault:v1:aGVsbG8", "invalid ciphertext: could not decode base64"},
        {"vault:v1:aGVs bG8=", "invalid ciphertext: could not decode base64"},
        {"vault:v1:aGVsbG8=:", "invalid ciphertext: could not decode base64"},
    };
    for (const auto& each : cases) {
        SCOPED_TRACE(each.text);
        const auto parcel = parse_parcel(each.text, "ciphertext");
        EXPECT_EQ(parcel ? "" : parcel.error().detail, each.detail);
        if (parcel) {
            EXPECT_EQ(text_of_parcel(parcel->version, parcel->octets), each.text);
        }
    }
    const auto raw = text_of_parcel(7, "\xff\xfe", true);
    EXPECT_EQ(raw, "vault:v7:__4");
    EXPECT_EQ(parse_parcel(raw, "signature", true)->octets, "\xff\xfe");
    EXPECT_EQ(parse_parcel(raw, "signature").error().detail,
              "invalid signature: could not decode base64");
}

}  // namespace
}  // namespace gh::vault::transit
