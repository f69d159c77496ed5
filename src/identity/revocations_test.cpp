#include "identity/revocations.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::identity {
namespace {

using std::chrono::hours;

const SystemTime now{seconds(1'700'000'000)};

Revocation of_token(const std::string& id, SystemTime expires = now + hours(1)) {
    return {RevocationKind::token, id, now, expires};
}

access::Principal bearer(const std::string& id, SystemTime issued = now - seconds(1)) {
    access::Principal principal;
    principal.revoked_by = access::RevokedBy::token_list;
    principal.token_id = id;
    principal.issued_at = issued;
    return principal;
}

TEST(Revocations, HoldForAllThatWereAddedAndForNobodyElse) {
    RevocationSource source;
    std::vector<Revocation> first;
    for (int i = 0; i < 3'000; ++i) first.push_back(of_token("t" + std::to_string(i)));
    source.learn(first, now);
    for (int i = 3'000; i < 4'000; ++i) source.add({of_token("t" + std::to_string(i))}, now);
    EXPECT_EQ(source.current()->size(), 4'000U);
    for (int i = 0; i < 4'000; ++i)
        ASSERT_TRUE(source.covers(bearer("t" + std::to_string(i)))) << i;
    EXPECT_FALSE(source.covers(bearer("t4000")));
    EXPECT_FALSE(source.covers(bearer("t1", now))) << "made after it";
}

TEST(Revocations, AListThatIsHeldStaysAsItWas) {
    RevocationSource source;
    source.add({of_token("a")}, now);
    const auto before = source.current();
    const auto generation = source.generation();
    for (int i = 0; i < 600; ++i) source.add({of_token("b" + std::to_string(i))}, now);
    EXPECT_EQ(before->size(), 1U);
    EXPECT_FALSE(before->covers(bearer("b1")));
    EXPECT_EQ(source.generation(), generation + 600);
}

TEST(Revocations, OfOneThingTheLaterCounts) {
    RevocationSource source;
    int changes = 0;
    source.on_change([&] { ++changes; });
    const Revocation early{RevocationKind::subject, "Ann", now, now + hours(2)};
    const Revocation late{RevocationKind::subject, "ann", now + seconds(5), now + hours(1)};
    source.add({early, late}, now);
    source.add({early}, now);
    EXPECT_EQ(changes, 1);
    EXPECT_EQ(source.current()->size(), 1U);
    auto token = bearer("x", now + seconds(4));
    token.subject = "ANN";
    EXPECT_TRUE(source.covers(token));
    source.add({}, now + hours(1));
    EXPECT_TRUE(source.covers(token)) << "the longer life of both";
    source.add({}, now + hours(2));
    EXPECT_FALSE(source.covers(token));
}

TEST(Revocations, ThoseThatExpireMakeRoomWithinAMinute) {
    RevocationSource source;
    for (int i = 0; i < 500; ++i) {
        const auto expires = i % 2 == 0 ? now + hours(1) : now + hours(3);
        source.add({of_token("t" + std::to_string(i), expires)}, now);
    }
    source.add({of_token("new", now + hours(3))}, now + hours(2));
    EXPECT_EQ(source.current()->size(), 251U);
    EXPECT_FALSE(source.covers(bearer("t0")));
    EXPECT_TRUE(source.covers(bearer("t1")));
    EXPECT_TRUE(source.covers(bearer("new")));
    source.add({}, now + hours(4));
    EXPECT_TRUE(source.current()->empty());
}

}  // namespace
}  // namespace gh::identity
