#include "crypto/hashing.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"

namespace gh::crypto {
namespace {

struct Vector {
    Hash hash;
    std::string_view name;
    std::string_view digest;  ///< of "abc", the example of FIPS 180-4 and FIPS 202
    std::string_view
        code;  ///< test case 2 of RFC 4231, and the same for SHA-3; by Python's hashlib and hmac
};
constexpr Vector vectors[] = {
    {Hash::sha2_224, "sha2-224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
     "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
    {Hash::sha2_256, "sha2-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {Hash::sha2_384, "sha2-384",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c82"
     "5a7",
     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21"
     "649"},
    {Hash::sha2_512, "sha2-512",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "bbd454d4423643ce80e2a9ac94fa54ca49f",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e"
     "6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {Hash::sha3_224, "sha3-224", "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
     "7fdb8dd88bd2f60d1b798634ad386811c2cfc85bfaf5d52bbace5e66"},
    {Hash::sha3_256, "sha3-256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
     "c7d4072e788877ae3596bbb0da73b887c9171f93095b294ae857fbe2645e1ba5"},
    {Hash::sha3_384, "sha3-384",
     "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376"
     "d25",
     "f1101f8cbf9766fd6764d2ed61903f21ca9b18f57cf3e1a23ca13508a93243ce48c045dc007f26a21b3f5e0e9df4c"
     "20a"},
    {Hash::sha3_512, "sha3-512",
     "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e39"
     "34057340b4cf408d5a56592f8274eec53f0",
     "5a4bfeab6166427c7a3647b747292b8384537cdb89afb3bf5665e4c5e709350b287baec921fd7ca0ee7a0c31d022a"
     "95e1fc92ba9d77df883960275beb4e62024"}};

TEST(Hashing, HashesAsThePublishedExamples) {
    for (const auto& each : vectors) {
        SCOPED_TRACE(each.name);
        EXPECT_EQ(codec::encode_hex(digest_of(each.hash, bytes_of("abc"))), each.digest);
        EXPECT_EQ(codec::encode_hex(
                      hmac_of(each.hash, Secret("Jefe"), bytes_of("what do ya want for nothing?"))),
                  each.code);
        EXPECT_EQ(hash_named(each.name), each.hash);
        EXPECT_EQ(name_of(each.hash), each.name);
    }
    EXPECT_FALSE(hash_named("sha1"));
    EXPECT_FALSE(hash_named(""));
    EXPECT_EQ(hmac_of(Hash::sha2_256, Secret(), bytes_of("")).size(), 32U);
}

}  // namespace
}  // namespace gh::crypto
