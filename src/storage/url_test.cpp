#include "storage/url.hpp"

#include <gtest/gtest.h>

namespace gh::storage {
namespace {

TEST(StorageUrl, ReadsBothEngines) {
    EXPECT_EQ(parse_storage_url("sqlite:data/gate house.db").value(),
              StorageUrl(SqliteUrl{"data/gate house.db"}));
    EXPECT_EQ(parse_storage_url("sqlite:/var/lib/g.db").value(),
              StorageUrl(SqliteUrl{"/var/lib/g.db"}));
    PostgresUrl plain;
    plain.user = "gate";
    plain.host = "db.example";
    plain.database = "house";
    EXPECT_EQ(parse_storage_url("postgresql://gate@db.example/house").value(), StorageUrl(plain));
    EXPECT_EQ(parse_storage_url("postgres://gate@db.example/house").value(), StorageUrl(plain));
}

TEST(StorageUrl, ReadsEveryPartDecoded) {
    const auto read = parse_storage_url(
        "postgresql://gate%40home:p%3A%2F@[2001:db8::1]:5433/the%20house?sslmode=verify-ca"
        "&sslrootcert=%2Fetc%2Fca.crt&sslcert=a.crt&sslkey=a.key&application_name=g%26h");
    ASSERT_TRUE(read) << describe(read.error());
    const auto& url = std::get<PostgresUrl>(*read);
    EXPECT_EQ(url.user, "gate@home");
    EXPECT_EQ(url.password.view(), "p:/");
    EXPECT_EQ(url.host, "2001:db8::1");
    EXPECT_EQ(url.port, 5433);
    EXPECT_EQ(url.database, "the house");
    EXPECT_EQ(url.tls, TlsMode::verify_ca);
    EXPECT_EQ(url.ca_file, "/etc/ca.crt");
    EXPECT_EQ(url.certificate_file, "a.crt");
    EXPECT_EQ(url.key_file, "a.key");
    EXPECT_EQ(url.application_name, "g&h");
    EXPECT_EQ(url.redacted(),
              "postgresql://gate%40home@[2001:db8::1]:5433/the%20house?sslmode=verify-ca");
}

TEST(StorageUrl, ReadsAUnixSocket) {
    const auto read = parse_storage_url("postgresql://gate@/house?host=/run/postgresql");
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_TRUE(std::get<PostgresUrl>(*read).unix_socket());
    EXPECT_EQ(std::get<PostgresUrl>(*read).redacted(),
              "postgresql://gate@/house?host=%2Frun%2Fpostgresql");
}

TEST(StorageUrl, IsWrittenAsItIsRead) {
    for (const std::string_view text :
         {"sqlite:/var/lib/g h.db",
          "postgresql://gate%40home@[2001:db8::1]:5433/the%20house?sslmode=require",
          "postgresql://gate@/house?host=%2Frun%2Fpostgresql&application_name=two",
          "postgresql://g@db:5432/"
          "h?sslmode=verify-full&sslrootcert=%2Fca.crt&sslcert=a.crt&sslkey=a.key"}) {
        EXPECT_EQ(text_of(parse_storage_url(text).value()), text);
    }
    EXPECT_EQ(text_of(parse_storage_url("postgresql://g:secret@db/h").value()),
              "postgresql://g@db:5432/h?sslmode=verify-full");
}

TEST(StorageUrl, VerifiesTheHostUnlessTheUrlSpellsOutLess) {
    struct Case {
        std::string_view text;
        TlsMode mode;
    };
    constexpr Case cases[] = {
        {"", TlsMode::verify_full},
        {"?sslmode=verify-full", TlsMode::verify_full},
        {"?sslmode=verify-ca", TlsMode::verify_ca},
        {"?sslmode=require", TlsMode::require},
        {"?sslmode=disable", TlsMode::disable},
    };
    for (const auto& c : cases) {
        const auto read = parse_storage_url("postgresql://u@h/d" + std::string(c.text));
        ASSERT_TRUE(read) << c.text;
        EXPECT_EQ(std::get<PostgresUrl>(*read).tls, c.mode) << c.text;
    }
}

TEST(StorageUrl, RefusesEverythingElseAndNeverShowsThePassword) {
    constexpr std::string_view cases[] = {
        "",
        "mysql://u@h/d",
        "sqlite:",
        "sqlite:folder/",
        "sqlite://data/x.db",
        "sqlite:a\nb",
        "postgresql://h/d",
        "postgresql://u:pw-x@h",
        "postgresql://u:pw-x@h/",
        "postgresql://u:pw-x@h/d/e",
        "postgresql://u:pw-x@/d",
        "postgresql://:pw-x@h/d",
        "postgresql://u:pw-x%@h/d",
        "postgresql://u:pw-x%0a@h/d",
        "postgresql://u:p@pw-x@h/d",
        "postgresql://u:pw-x#@h/d",
        "postgresql://u:pw-x@h:0/d",
        "postgresql://u:pw-x@h:65536/d",
        "postgresql://u:pw-x@h,i/d",
        "postgresql://u:pw-x@::1/d",
        "postgresql://u:pw-x@h/d?",
        "postgresql://u:pw-x@h/d?sslmode",
        "postgresql://u:pw-x@h/d?sslmode=",
        "postgresql://u:pw-x@h/d?sslmode=prefer",
        "postgresql://u:pw-x@h/d?sslmode=allow",
        "postgresql://u:pw-x@h/d?sslmode=Require",
        "postgresql://u:pw-x@h/d?sslmode=require&sslmode=disable",
        "postgresql://u:pw-x@h/d?host=/run",
        "postgresql://u:pw-x@/d?host=other",
        "postgresql://u:pw-x@h/d?sslcert=a.crt",
        "postgresql://u:pw-x@h/d?options=-c%20x=y",
        "postgresql://u:pw-x@h/d?password=pw-x",
    };
    for (const auto text : cases) {
        SCOPED_TRACE(text);
        const auto read = parse_storage_url(text);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().reason, "storage.url");
        EXPECT_FALSE(read.error().detail.empty());
        EXPECT_FALSE(read.error().detail.contains("pw-x")) << read.error().detail;
    }
    EXPECT_TRUE(parse_storage_url("sqlite:" + std::string(4'089, 'x')));
    EXPECT_FALSE(parse_storage_url("sqlite:" + std::string(4'090, 'x')));
}

}  // namespace
}  // namespace gh::storage
