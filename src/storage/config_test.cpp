#include "storage/config.hpp"

#include <gtest/gtest.h>

#include "config/read_for_test.hpp"

namespace gh::storage {
namespace {

using config::read_for_test;

TEST(StorageConfig, IsAFileInTheDataDirectoryUnlessSaid) {
    const auto read = read_for_test(storage_type(), "{}");
    EXPECT_EQ(read.problems, "");
    EXPECT_EQ(read.value, StorageConfig());
    EXPECT_FALSE(read.value.url);
}

TEST(StorageConfig, ReadsBothEngines) {
    const auto file = read_for_test(storage_type(), "url: sqlite:data/g.db");
    ASSERT_EQ(file.problems, "");
    EXPECT_EQ(std::get<SqliteUrl>(*file.value.url).file, "/etc/gatehouse/data/g.db");
    const auto server = read_for_test(
        storage_type(),
        "{url: \"postgresql://g@db/h\", password: \"${env:P}\", pool: {min: 0, max: 50, "
        "acquire_timeout: 2s, statement_timeout: 5s}, slow_query: 200ms}",
        {{"P", "hush"}});
    ASSERT_EQ(server.problems, "");
    EXPECT_EQ(server.value.password.view(), "hush");
    EXPECT_EQ(server.value.pool.max, 50U);
    EXPECT_EQ(server.value.pool.acquire_timeout, milliseconds(2'000));
    EXPECT_EQ(server.value.slow_query, milliseconds(200));
    EXPECT_FALSE(server.shown.contains("hush")) << server.shown;
    EXPECT_TRUE(server.shown.contains("postgresql://g@db:5432/h?sslmode=verify-full"));
}

TEST(StorageConfig, RefusesWhatCannotBeMeant) {
    const auto refused = [](const std::string& yaml) {
        const auto read = read_for_test(storage_type(), yaml, {{"U", "postgresql://g:hush@db/h"}});
        EXPECT_FALSE(read.problems.contains("hush")) << read.problems;
        return read.problems;
    };
    EXPECT_TRUE(refused("url: \"postgresql://g:hush@db/h\"").contains("holds a password"));
    EXPECT_TRUE(refused("url: \"${env:U}\"").contains("holds a password"));
    EXPECT_TRUE(refused("url: mysql://g@db/h").contains("neither sqlite:PATH"));
    EXPECT_TRUE(
        refused("url: \"postgresql://g@db/h?sslmode=prefer\"").contains("promises nothing"));
    EXPECT_TRUE(refused("{password: \"${env:U}\"}").contains("without a url of PostgreSQL"));
    EXPECT_TRUE(refused("pool: {min: 6, max: 5}").contains("min above its max"));
    EXPECT_NE(refused("pool: {max: 0}"), "");
    EXPECT_NE(refused("pool: {max: 1001}"), "");
    EXPECT_NE(refused("{slow_query: 0s}"), "");
}

}  // namespace
}  // namespace gh::storage
