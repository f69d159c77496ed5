#include "vault/backend/secret_store.hpp"

#include <gtest/gtest.h>

#include "base/run_inline.hpp"
#include "crypto/hkdf.hpp"
#include "crypto/hmac.hpp"
#include "vault/barrier.hpp"
#include "vault/secret.hpp"
#include "vault/secret_fields.hpp"
#include "vault/wrapping.hpp"

namespace gh::vault {
namespace {

using crypto::Secret;
using crypto::text_of;

/// Another file's memory.
class MemoryPlace final : public StorePlace {
 public:
    [[nodiscard]] std::string name() const override { return "memory"; }
    Result<std::optional<std::string>> read() override { return text; }
    Result<void> replace(std::string_view content) override {
        if (full) return fail(ErrorKind::unavailable, "file.io", "no room");
        EXPECT_TRUE(in_turn) << "who changes the file has his turn";
        text = content;
        return {};
    }
    Result<std::unique_ptr<Turn>> take_turn() override {
        EXPECT_FALSE(in_turn);
        return std::make_unique<OneTurn>(*this);
    }
    std::optional<std::string> text;
    bool full = false;
    bool something_is_left = false;
    bool in_turn = false;

 private:
    struct OneTurn final : Turn {
        explicit OneTurn(MemoryPlace& of) : place(of) { place.in_turn = true; }
        OneTurn(const OneTurn&) = delete;
        OneTurn& operator=(const OneTurn&) = delete;
        ~OneTurn() override { place.in_turn = false; }
        [[nodiscard]] Result<void> may_begin() const override {
            if (!place.something_is_left) return {};
            return fail(ErrorKind::conflict, "store.lost", "there was one");
        }
        MemoryPlace& place;
    };
};

/// Somebody with a key of his own.
class Person final : public Protector {
 public:
    explicit Person(char seed) : key_(std::string(32, seed)) {}
    [[nodiscard]] std::string_view kind() const override { return "person"; }
    [[nodiscard]] std::string name() const override { return "somebody"; }
    Result<Recipient> wrap(const Secret& master) override {
        return wrap_with(key_.copy(), {.kind = "person", .parameters = {}, .sealed = {}}, master);
    }
    Result<Secret> unwrap(const Recipient& recipient) override {
        return unwrap_with(key_.copy(), recipient, name());
    }

 private:
    Secret key_;
};

class SecretStoreTest : public testing::Test {
 protected:
    [[nodiscard]] static std::string reason_of(const auto& result) {
        return result ? "" : std::string(result.error().reason);
    }
    [[nodiscard]] std::string value_of(std::string_view path) { return value_of(store, path); }
    [[nodiscard]] static std::string value_of(SecretStore& in, std::string_view path) {
        const auto found = in.get(path);
        return found ? field_of(*found, {}, path).value() : std::string(found.error().reason);
    }
    void set(std::string_view path, std::string_view value) {
        const auto done = store.set(path, one_field(only_field, value));
        ASSERT_TRUE(done) << describe(done.error());
    }
    MemoryPlace place;
    Person ada{'a'}, eve{'e'};
    SecretStore store{place, ada};
    SecretStore eves{place, eve};
};

TEST_F(SecretStoreTest, DoesWhatEveryBackendDoes) {
    const auto backend = store_backend(store);
    const auto seen = run_inline(check_backend(*backend))->value();
    ASSERT_EQ(seen.size(), 5U);
    for (const auto& each : seen) EXPECT_TRUE(each.outcome) << each.what;
    EXPECT_EQ(backend->name(), "the store memory");
    EXPECT_TRUE(backend->weakness().empty());
    set("team/a", "1");
    set("team/a", "2");
    set("b", "3");
    EXPECT_EQ(value_of("team/a"), "2");
    EXPECT_EQ(run_inline(backend->list(""))->value(), (std::vector<std::string>{"b", "team/"}));
    EXPECT_EQ(run_inline(backend->list("team/"))->value(), std::vector<std::string>{"a"});
    EXPECT_EQ(run_inline(backend->list("team"))->error().reason, "secret.path");
    EXPECT_EQ(run_inline(backend->get("none"))->error().reason, "secret.unknown");
    EXPECT_TRUE(run_inline(backend->remove("team/a"))->has_value());
    EXPECT_EQ(run_inline(backend->get("team/a"))->error().reason, "secret.unknown");
    EXPECT_EQ(run_inline(backend->remove("team/a"))->error().reason, "secret.unknown");
    EXPECT_EQ(run_inline(backend->set("../x", one_field("value", "x")))->error().reason,
              "secret.path");
}

TEST_F(SecretStoreTest, BeginsWithTheFirstSecret) {
    EXPECT_FALSE(store.facts()->is_there);
    EXPECT_TRUE(store.paths()->empty());
    EXPECT_EQ(value_of("a"), "secret.unknown");
    EXPECT_EQ(reason_of(store.remove("a")), "secret.unknown");
    EXPECT_EQ(reason_of(store.add(StoreRecoveryKey::generate())), "store.missing");
    EXPECT_EQ(reason_of(store.recover(StoreRecoveryKey::generate())), "store.missing");
    EXPECT_FALSE(place.text) << "nothing makes a store but a secret";
    set("a", "x");
    EXPECT_EQ(store.facts()->secrets, 1U);
    ASSERT_TRUE(store.remove("a"));
    EXPECT_TRUE(store.facts()->is_there);
}

TEST_F(SecretStoreTest, HoldsNothingInPlainAndSealsToOtherOctetsEachTime) {
    set("team/a", "correct horse battery staple");
    const auto before = *place.text;
    EXPECT_FALSE(before.contains("correct horse"));
    set("team/a", "correct horse battery staple");
    EXPECT_NE(before, *place.text);
}

TEST_F(SecretStoreTest, RefusesEveryOctetThatWasChangedAndEveryCut) {
    set("a", "x");
    ASSERT_TRUE(store.add(StoreRecoveryKey::generate()));
    const auto good = *place.text;
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const int bit : {1, 2, 32}) {
            place.text = good;
            (*place.text)[i] = static_cast<char>(good[i] ^ bit);
            EXPECT_FALSE(store.get("a")) << i;
            EXPECT_FALSE(store.set("b", one_field("value", "y"))) << i;
            EXPECT_FALSE(store.facts()) << i;
        }
        place.text = good.substr(0, i);
        EXPECT_FALSE(store.get("a")) << i;
    }
    place.text = good;
    EXPECT_EQ(value_of("a"), "x");
}

TEST_F(SecretStoreTest, SeesWhatWasMovedTakenOutOrPutBack) {
    set("a", "of a");
    set("b", "of b");
    auto file = parse_store_file(*place.text).value();
    std::swap(file.sealed["a"], file.sealed["b"]);
    place.text = text_of(file);
    EXPECT_EQ(value_of("a"), "store.changed");
    std::swap(file.sealed["a"], file.sealed["b"]);
    file.sealed.erase("b");
    place.text = text_of(file);
    EXPECT_EQ(value_of("a"), "store.changed");
    EXPECT_EQ(reason_of(store.facts()), "store.changed");
}

TEST_F(SecretStoreTest, OpensForNobodyElse) {
    set("a", "x");
    const auto refused = eves.get("a");
    ASSERT_EQ(reason_of(refused), "seal.wrong_key");
    EXPECT_TRUE(refused.error().detail.contains("somebody does not open memory"));
    EXPECT_EQ(reason_of(eves.set("b", one_field("value", "y"))), "seal.wrong_key");
    const auto stranger = StoreRecoveryKey::generate().protector();
    EXPECT_EQ(reason_of(SecretStore(place, *stranger).get("a")), "seal.other_protector");
    EXPECT_EQ(value_of("a"), "x");
}

TEST_F(SecretStoreTest, IsRecoveredByWhoeverHoldsARecoveryKey) {
    set("a", "x");
    const auto key = StoreRecoveryKey::generate(), other = StoreRecoveryKey::generate();
    ASSERT_TRUE(store.add(other));
    ASSERT_TRUE(store.add(key));
    EXPECT_EQ(store.facts()->recovery_ids, (std::vector<std::string>{other.id(), key.id()}));
    set("b", "later than the key");
    EXPECT_EQ(reason_of(eves.recover(StoreRecoveryKey::generate())), "seal.wrong_key");
    ASSERT_TRUE(eves.recover(StoreRecoveryKey::parse(text_of(key.text().bytes())).value()));
    EXPECT_EQ(value_of(eves, "a"), "x");
    EXPECT_EQ(value_of(eves, "b"), "later than the key");
    EXPECT_EQ(value_of("a"), "seal.wrong_key") << "it is hers now";
    ASSERT_TRUE(store.recover(key)) << "the key that was given is good still";
    EXPECT_EQ(value_of("a"), "x");
    EXPECT_EQ(value_of(eves, "a"), "seal.wrong_key");
}

TEST_F(SecretStoreTest, DropsByNameTheRecoveryKeysThatItCannotSealFor) {
    set("a", "x");
    const StoreRecoveryKey keys[] = {StoreRecoveryKey::generate(), StoreRecoveryKey::generate(),
                                     StoreRecoveryKey::generate()};
    for (const auto& key : keys) ASSERT_TRUE(store.add(key));
    EXPECT_EQ(store.recover(keys[1]).value(), (std::vector{keys[0].id(), keys[2].id()}));
    EXPECT_EQ(store.facts()->recovery_ids, std::vector{keys[1].id()});
    EXPECT_EQ(reason_of(eves.recover(keys[0])), "seal.wrong_key");
    ASSERT_TRUE(store.add(keys[0]));
    const auto before = *place.text;
    EXPECT_EQ(reason_of(store.withdraw(keys[2].id())), "seal.no_such_recovery_key");
    EXPECT_EQ(*place.text, before);
    EXPECT_EQ(store.withdraw(keys[1].id()).value(), std::vector{keys[0].id()});
    EXPECT_TRUE(store.facts()->recovery_ids.empty());
    for (const auto& key : keys) EXPECT_EQ(reason_of(eves.recover(key)), "seal.other_protector");
    EXPECT_EQ(value_of("a"), "x");
}

/// What somebody has who kept a file and what opened it.
Secret master_of(const std::string& text, Protector& who) {
    const auto file = parse_store_file(text).value();
    for (const auto& each : file.recipients)
        if (each.kind == who.kind()) return who.unwrap(each).value();
    return {};
}

/// Whether a file's secrets open with a master key, its proof looked at or not.
bool opens(const std::string& text, const Secret& master, const std::string& path) {
    const auto file = parse_store_file(text).value();
    const auto barrier =
        Barrier().with(1, crypto::hkdf_sha256(master, {}, "gatehouse store 1 secrets", 32)).value();
    return barrier
        .open(crypto::bytes_of(file.sealed.at(path)),
              {.kind = "stored secret", .path = path, .version = 0})
        .has_value();
}

TEST_F(SecretStoreTest, OpensNothingWrittenLaterForWhoKeptAFileAndAWithdrawnKey) {
    set("a", "x");
    set("b", "never set again");
    const auto key = StoreRecoveryKey::generate();
    ASSERT_TRUE(store.add(key));
    const auto kept = *place.text;
    const auto master = master_of(kept, *key.protector());
    ASSERT_TRUE(opens(kept, master, "a"));
    ASSERT_TRUE(store.withdraw(key.id()));
    set("a", "changed after that");
    for (const auto* path : {"a", "b"}) {
        EXPECT_FALSE(opens(*place.text, master, path)) << path;
        EXPECT_TRUE(opens(*place.text, master_of(*place.text, ada), path)) << path;
    }
    // Nor does who it was sealed for before make a file that counts as hers who is there now.
    const auto forged = [&](StoreFile file) {
        const auto proof =
            crypto::HmacKey(crypto::HmacHash::sha256,
                            crypto::hkdf_sha256(master, {}, "gatehouse store 1 proof", 32))
                .code_of(proved_text(file));
        file.proof = crypto::text_of(proof.bytes());
        return text_of(file);
    };
    EXPECT_EQ(forged(parse_store_file(kept).value()), kept) << "so it is done";
    place.text = forged(parse_store_file(*place.text).value());
    EXPECT_EQ(value_of("a"), "store.changed");
}

TEST_F(SecretStoreTest, OpensNothingWrittenLaterForWhomItBelongedToBeforeItWasRecovered) {
    set("a", "x");
    const auto key = StoreRecoveryKey::generate();
    ASSERT_TRUE(store.add(key));
    const auto master = master_of(*place.text, ada);
    ASSERT_TRUE(opens(*place.text, master, "a"));
    ASSERT_TRUE(eves.recover(key));
    EXPECT_FALSE(opens(*place.text, master, "a"));
    EXPECT_EQ(value_of(eves, "a"), "x");
}

TEST_F(SecretStoreTest, TakesBackARecoveryKeyThatNobodyHasSeen) {
    set("a", "x");
    const auto seen = StoreRecoveryKey::generate(), unseen = StoreRecoveryKey::generate();
    ASSERT_TRUE(store.add(seen));
    ASSERT_TRUE(store.add(unseen));
    ASSERT_TRUE(store.take_back(unseen.id()));
    EXPECT_EQ(store.facts()->recovery_ids, std::vector{seen.id()});
    EXPECT_EQ(reason_of(store.take_back(unseen.id())), "seal.no_such_recovery_key");
    EXPECT_TRUE(store.recover(seen));
}

TEST_F(SecretStoreTest, IsNotBegunAnewWhereSomethingOfALostOneLies) {
    set("a", "x");
    const auto kept = place.text;
    place.text = std::nullopt;
    place.something_is_left = true;
    EXPECT_EQ(reason_of(store.set("b", one_field("value", "y"))), "store.lost");
    EXPECT_FALSE(place.text);
    place.text = kept;
    set("b", "y");
    EXPECT_EQ(value_of("a"), "x");
}

TEST_F(SecretStoreTest, TellsWhatAProtectorSaysOfItsRefusal) {
    set("a", "x");
    class Refuses final : public Protector {
     public:
        explicit Refuses(ErrorKind kind) : kind_(kind) {}
        [[nodiscard]] std::string_view kind() const override { return "person"; }
        [[nodiscard]] std::string name() const override { return "somebody"; }
        Result<Recipient> wrap(const Secret&) override { return fail(kind_, "person.away"); }
        Result<Secret> unwrap(const Recipient&) override {
            return fail(kind_, "person.away", "the data is invalid (13)");
        }

     private:
        ErrorKind kind_;
    };
    Refuses other(ErrorKind::permission_denied), away(ErrorKind::unavailable);
    const auto refused = SecretStore(place, other).get("a").error();
    EXPECT_TRUE(refused.detail.contains("sealed for another")) << refused.detail;
    EXPECT_TRUE(refused.detail.ends_with("(the data is invalid (13))")) << refused.detail;
    const auto later = SecretStore(place, away).get("a").error();
    EXPECT_EQ(later.kind, ErrorKind::unavailable);
    EXPECT_EQ(later.detail, "memory: the data is invalid (13)");
}

TEST_F(SecretStoreTest, HasLimits) {
    set("a", "x");
    for (std::size_t i = 1; i < recipients_max; ++i)
        ASSERT_TRUE(store.add(StoreRecoveryKey::generate()));
    EXPECT_EQ(reason_of(store.add(StoreRecoveryKey::generate())), "seal.recipients");
    EXPECT_EQ(reason_of(store.set("b", Secret(std::string(secret_bytes_max + 1, 'x')))),
              "secret.too_long");
    const Secret large(std::string(secret_bytes_max, 'x'));
    std::string last;
    for (int i = 0; i < 40 && last.empty(); ++i)
        last = reason_of(store.set("large/" + std::to_string(i), large));
    EXPECT_EQ(last, "store.full");
    EXPECT_EQ(value_of("a"), "x") << "what is full is as it was";
}

TEST_F(SecretStoreTest, StaysAsItWasWhereItCannotBeWritten) {
    set("a", "x");
    const auto before = place.text;
    place.full = true;
    EXPECT_EQ(reason_of(store.set("a", one_field("value", "y"))), "file.io");
    EXPECT_EQ(place.text, before);
    EXPECT_FALSE(place.in_turn);
}

TEST(StoreRecoveryKey, IsReadAsItIsShown) {
    const auto key = StoreRecoveryKey::generate();
    const std::string text(text_of(key.text().bytes()));
    EXPECT_EQ(text.size(), StoreRecoveryKey::prefix.size() + 43);
    EXPECT_EQ(key.id().size(), 22U);
    for (const auto& typed : {text, text + "\r\n", "  " + text + "\t"})
        EXPECT_EQ(StoreRecoveryKey::parse(typed)->id(), key.id());
    const auto wide = [](std::string_view ascii) {
        std::string out = "\xFF\xFE";
        for (const char each : ascii) out.append({each, '\0'});
        return out;
    };
    const auto mark = std::string("\xEF\xBB\xBF");
    for (const auto& typed : {mark + text, mark + text + "\r\n", wide(text), wide(text + "\r\n")})
        EXPECT_EQ(StoreRecoveryKey::parse(typed)->id(), key.id()) << "as PowerShell writes it";
    auto above_ascii = wide(text);
    above_ascii[3] = 1;
    for (const auto& bad : {above_ascii, wide(text) + "A", wide(text.substr(1)), wide("")})
        EXPECT_EQ(StoreRecoveryKey::parse(bad).error().reason, "seal.key_malformed");
    for (const auto& bad : {std::string(), text.substr(1), text + "A",
                            text.substr(0, text.size() - 1), text.substr(0, 30)})
        EXPECT_EQ(StoreRecoveryKey::parse(bad).error().reason, "seal.key_malformed") << bad;
}

}  // namespace
}  // namespace gh::vault
