#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace gh::storage {

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
