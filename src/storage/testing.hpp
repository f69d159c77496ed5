#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "net/loop.hpp"
#include "storage/migration.hpp"
#include "storage/sqlite/database.hpp"

namespace gh::storage {

/// Runs a task to its end on a loop of its own.
template <class T>
T run_to_end(Task<T> task) {
    net::Loop loop;
    std::optional<T> value;
    auto whole = [](Task<T> inner, std::optional<T>& into, net::Loop& on) -> Task<> {
        into.emplace(co_await std::move(inner));
        on.stop();
    };
    loop.post([&] { spawn(whole(std::move(task), value, loop)); });
    loop.run();
    return *std::move(value);
}

/// A folder that goes with the test.
class TestFolder {
 public:
    TestFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "gh-storage-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
        path = name;
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    ~TestFolder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

}  // namespace gh::storage
