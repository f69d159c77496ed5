#include "windows/private_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "base/run_inline.hpp"
#include "codec/hex.hpp"
#include "vault/backend/secret_store.hpp"
#include "vault/secret_fields.hpp"
#include "windows/api.hpp"
#include "windows/dpapi_protector.hpp"
#include "windows/system.hpp"

namespace gh::windows {
namespace {

using vault::SecretStore;

class PrivateFileTest : public testing::Test {
 protected:
    ~PrivateFileTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(home, ignored);
    }
    [[nodiscard]] static std::string reason_of(const auto& result) {
        return result ? "" : std::string(result.error().reason);
    }
    [[nodiscard]] static std::filesystem::path new_home() {
        const auto word = crypto::Secret::random(8);
        return std::filesystem::temp_directory_path() /
               ("gatehouse-" + codec::encode_hex(crypto::text_of(word.bytes())));
    }
    std::filesystem::path home = new_home();
    std::filesystem::path path() { return home / L"b\u00fccher" / "secrets.json"; }
    PrivateFile file{path(), 1000, std::chrono::milliseconds(100)};
};

TEST_F(PrivateFileTest, IsReplacedWholeAndMakesItsFolder) {
    EXPECT_FALSE(file.read().value());
    ASSERT_TRUE(file.replace("one"));
    EXPECT_EQ(file.read().value(), "one");
    ASSERT_TRUE(file.replace(std::string("t\r\nw\0o", 6)));
    EXPECT_EQ(file.read().value(), std::string("t\r\nw\0o", 6));
    ASSERT_TRUE(file.replace(""));
    EXPECT_EQ(file.read().value(), "");
    std::size_t left = 0;
    for ([[maybe_unused]] const auto& each :
         std::filesystem::directory_iterator(path().parent_path()))
        ++left;
    EXPECT_EQ(left, 1U) << "nothing lies beside";
    EXPECT_TRUE(file.name().ends_with("secrets.json"));
}

TEST_F(PrivateFileTest, BelongsToItsUserAlone) {
    ASSERT_TRUE(file.replace("x"));
    std::vector<std::uint8_t> room(4096);
    auto* const descriptor = reinterpret_cast<PSECURITY_DESCRIPTOR>(room.data());
    DWORD size = 0;
    ASSERT_NE(::GetFileSecurityW(path().c_str(), DACL_SECURITY_INFORMATION, descriptor,
                                 static_cast<DWORD>(room.size()), &size),
              0);
    BOOL present = FALSE, defaulted = FALSE;
    PACL list = nullptr;
    ASSERT_NE(::GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted), 0);
    ASSERT_TRUE(present && list != nullptr);
    const std::vector<std::wstring> good{user_sid().value(), L"S-1-5-18"};  // Wine names the system
    for (DWORD i = 0; i < list->AceCount; ++i) {
        void* entry = nullptr;
        ASSERT_NE(::GetAce(list, i, &entry), 0);
        auto* const allowed = static_cast<ACCESS_ALLOWED_ACE*>(entry);
        if (allowed->Header.AceType != ACCESS_ALLOWED_ACE_TYPE || allowed->Mask == 0) continue;
        wchar_t* text = nullptr;
        ASSERT_NE(::ConvertSidToStringSidW(&allowed->SidStart, &text), 0);
        const Local<wchar_t> owned(text);
        EXPECT_NE(std::ranges::find(good, std::wstring(text)), good.end()) << utf8_of(text);
    }
}

TEST_F(PrivateFileTest, SaysWhatItIsNot) {
    std::filesystem::create_directories(path());
    EXPECT_FALSE(file.read());
    EXPECT_EQ(reason_of(file.replace("x")), "file.io");
    std::filesystem::remove(path());
    std::ofstream(path()) << std::string(1001, 'x');
    EXPECT_EQ(reason_of(file.read()), "file.too_long");
    PrivateFile nowhere(L"Q:\\nowhere\\at\\all", 10);
    EXPECT_EQ(reason_of(nowhere.replace("x")), "file.io");
}

TEST_F(PrivateFileTest, HasOneTurnAtATime) {
    auto turn = file.take_turn();
    ASSERT_TRUE(turn) << describe(turn.error());
    EXPECT_EQ(reason_of(file.take_turn()), "file.locked");
    turn->reset();
    EXPECT_TRUE(file.take_turn());
}

TEST_F(PrivateFileTest, TellsAFileThatIsLostFromOneThatNeverWas) {
    const auto lock = path().parent_path() / "secrets.json.lock";
    const auto left = path().parent_path() / "secrets.json.new";
    {
        const auto turn = file.take_turn();
        ASSERT_TRUE(turn) << describe(turn.error());
        EXPECT_TRUE((*turn)->may_begin());
    }
    EXPECT_FALSE(std::filesystem::exists(lock)) << "a turn that made no file leaves nothing";
    {
        const auto turn = file.take_turn();
        ASSERT_TRUE((*turn)->may_begin());
        ASSERT_TRUE(file.replace("x"));
    }
    EXPECT_TRUE(std::filesystem::exists(lock));
    std::filesystem::rename(path(), left);
    EXPECT_EQ(reason_of((*file.take_turn())->may_begin()), "store.lost");
    EXPECT_TRUE(std::filesystem::exists(lock));
    std::filesystem::remove(lock);
    EXPECT_EQ(reason_of((*file.take_turn())->may_begin()), "store.lost");
    EXPECT_TRUE(std::filesystem::exists(left));
    std::filesystem::remove(left);
    EXPECT_TRUE((*file.take_turn())->may_begin());
}

TEST_F(PrivateFileTest, LosesNoStoreToTheFirstSecretOfAnotherOne) {
    PrivateFile place(path(), vault::StoreFile::bytes_max);
    const auto user = dpapi_protector();
    SecretStore store(place, *user);
    ASSERT_TRUE(store.set("a", vault::one_field("value", "x")));
    const auto left = path().parent_path() / "secrets.json.new";
    std::filesystem::rename(path(),
                            left);  // as a power cut leaves it where replacing takes two steps
    EXPECT_EQ(reason_of(store.set("b", vault::one_field("value", "y"))), "store.lost");
    std::filesystem::rename(left, path());
    EXPECT_EQ(vault::field_of(store.get("a").value(), {}, "").value(), "x");
}

TEST_F(PrivateFileTest, TellsWhatItMayNotFromWhatSomebodyHolds) {
    ASSERT_TRUE(file.replace("x"));
    std::filesystem::create_directory(path().parent_path() / "secrets.json.lock");  // is denied
    const auto denied = file.take_turn();
    ASSERT_EQ(reason_of(denied), "file.denied");
    EXPECT_TRUE(denied.error().detail.contains("takeown")) << denied.error().detail;
}

TEST_F(PrivateFileTest, WaitsForALeftOverThatSomebodyStillReads) {
    ASSERT_TRUE(file.replace("x"));
    const auto left = path().parent_path() / "secrets.json.new";
    std::ofstream(left) << "left over";
    std::atomic<bool> is_held = false;
    std::thread scanner([&] {
        const Handle held(::CreateFileW(left.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr,
                                        OPEN_EXISTING, 0, nullptr));
        EXPECT_NE(held.get(), INVALID_HANDLE_VALUE);
        is_held = true;
        ::Sleep(100);
    });
    while (!is_held) ::Sleep(1);
    EXPECT_TRUE(file.replace("y"));
    scanner.join();
    EXPECT_EQ(file.read().value(), "y");
}

TEST_F(PrivateFileTest, IsPutInNoFolderThatOthersMayChange) {
    const auto folder = path().parent_path();
    const struct {
        std::wstring list;
        std::string reason;
    } cases[] = {
        {L"D:P(A;OICI;FA;;;" + user_sid().value() + L")", ""},
        {L"D:P(A;OICI;FA;;;" + user_sid().value() + L")(A;OICI;FRFX;;;WD)", ""},
        {L"D:P(A;OICI;FA;;;" + user_sid().value() + L")(A;OICI;FA;;;WD)", "folder.others"},
    };
    std::filesystem::create_directories(folder);
    for (const auto& each : cases) {
        PSECURITY_DESCRIPTOR raw = nullptr;
        ASSERT_NE(::ConvertStringSecurityDescriptorToSecurityDescriptorW(
                      each.list.c_str(), SDDL_REVISION_1, &raw, nullptr),
                  0);
        const Local<void> list(raw);
        ASSERT_NE(::SetFileSecurityW(folder.c_str(), DACL_SECURITY_INFORMATION, raw), 0);
        const auto turn = file.take_turn();
        EXPECT_EQ(reason_of(turn), each.reason) << utf8_of(each.list);
        const auto said = turn ? "" : turn.error().detail;
        EXPECT_EQ(said.contains("(S-1-1-0)"), !turn.has_value()) << said;
        EXPECT_EQ(reason_of(file.replace("x")), each.reason);
    }
    EXPECT_EQ(file.read().value(), "x") << "what is there is read";
}

TEST_F(PrivateFileTest, IsNeverSeenHalfWritten) {
    PrivateFile large(path(), 1 << 20);
    ASSERT_TRUE(large.replace(std::string(50'000, 'a')));
    std::atomic<bool> done = false;
    std::thread writer([&] {
        for (int i = 0; i < 100; ++i)
            EXPECT_TRUE(large.replace(std::string(50'000, static_cast<char>('a' + i % 26))));
        done = true;
    });
    int reads = 0;
    for (; reads < 300 && !done; ++reads) {
        const auto text = large.read();
        EXPECT_TRUE(text && *text && (*text)->size() == 50'000U);
        if (!text || !*text || (*text)->empty()) break;
        EXPECT_EQ((*text)->find_first_not_of((*text)->front()), std::string::npos);
    }
    writer.join();
    EXPECT_GT(reads, 1);
}

TEST_F(PrivateFileTest, IsAPlaceForEverythingThatABackendDoes) {
    PrivateFile place(path(), vault::StoreFile::bytes_max);
    const auto user = dpapi_protector();
    SecretStore store(place, *user);
    const auto backend = vault::store_backend(store);
    const auto seen = run_inline(vault::check_backend(*backend))->value();
    ASSERT_EQ(seen.size(), 5U);
    for (const auto& each : seen)
        EXPECT_TRUE(each.outcome) << each.what << describe(each.outcome.error());
    ASSERT_TRUE(store.set("team/a", vault::one_field("value", "x")));
    SecretStore again(place, *user);
    EXPECT_EQ(vault::field_of(again.get("team/a").value(), {}, "").value(), "x");
}

TEST_F(PrivateFileTest, HoldsAStoreThatOpensNoMoreWithAnyOctetChanged) {
    PrivateFile place(path(), vault::StoreFile::bytes_max);
    const auto user = dpapi_protector();
    SecretStore store(place, *user);
    ASSERT_TRUE(store.set("team/a", vault::one_field("value", "x")));
    ASSERT_TRUE(store.add(vault::StoreRecoveryKey::generate()));
    const auto good = *place.read().value();
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto changed = good;
        changed[i] ^= 1;
        for (const auto& text : {changed, good.substr(0, i)}) {
            std::ofstream(path(), std::ios::binary) << text;
            EXPECT_FALSE(store.get("team/a")) << i;
        }
    }
    ASSERT_TRUE(place.replace(good));
    EXPECT_TRUE(store.get("team/a"));
}

}  // namespace
}  // namespace gh::windows
