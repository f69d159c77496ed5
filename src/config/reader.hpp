#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/environment.hpp"
#include "config/node.hpp"
#include "config/problem.hpp"

namespace gh::config {

/// Refuses what must not be key material: shorter than `bytes_min`, a placeholder, published somewhere
/// ("secret.published"). Its detail says why and holds no part of the value.
using SecretCheck = std::function<Result<void>(std::string_view value, std::size_t bytes_min)>;

/// Where values come from while one file is read.
struct Sources {
    std::string file;              ///< for messages
    std::filesystem::path folder;  ///< relative paths start here
    const Environment* environment = nullptr;
    SecretResolver* resolver = nullptr;  ///< nullptr: `${secret:...}` is refused
};

/// A scalar with its references expanded.
struct Scalar {
    std::string text;
    std::string shown;    ///< for messages: as written, so that what a reference held stays hidden
    bool quoted = false;  ///< and not through a reference: text, not a number
    bool referenced = false;
};

/// A part of a text, in octets.
struct TextRange {
    std::size_t begin = 0, size = 0;
};

/// A piece of a text that is put together later: literal, or the name of what to put there.
struct TextPart {
    std::string text;
    bool placeholder = false;
    std::vector<TextRange> referenced = {};  ///< what of it came through references, in order
};

/// One pass over one tree: knows where it is, collects what is wrong, expands references.
class Reader {
 public:
    Reader(Sources sources, Problems& problems, Origins& origins)
        : sources_(std::move(sources)), problems_(problems), origins_(origins) {}
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Longer paths below this one until it goes.
    class Step {
     public:
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;
        ~Step() { path_.resize(length_); }

     private:
        friend class Reader;
        Step(std::string& path, std::size_t length) : path_(path), length_(length) {}
        std::string& path_;
        std::size_t length_;
    };
    [[nodiscard]] Step enter(std::string_view key);
    [[nodiscard]] Step enter(std::size_t index);

    /// Notes a problem here; reading goes on, to find the others.
    void refuse(Position at, std::string text);
    void refuse(const Node& node, std::string text) { refuse(node.at(), std::move(text)); }

    /// The scalar in `node`; nothing, with a problem noted, when it is none or its reference cannot be followed.
    /// @param wanted  "a duration such as 10s": what is allowed here
    [[nodiscard]] std::optional<Scalar> scalar(const Node& node, std::string_view wanted);

    /// Like scalar(), for a text in which `${NAME}` may also stand for one of `placeholders`, known only later. What
    /// came through a reference is literal, whatever it looks like.
    [[nodiscard]] std::optional<std::vector<TextPart>> parts(
        const Node& node, std::string_view wanted, std::span<const std::string_view> placeholders);

    /// An absolute path; relative ones start at the file's folder.
    [[nodiscard]] std::filesystem::path resolve(const std::string& path) const;

    /// A secret stands in the file itself. What that means depends on the profile: see literal_secrets().
    void note_literal_secret(const Node& node);
    [[nodiscard]] const Problems& literal_secrets() const { return literal_secrets_; }

    [[nodiscard]] const std::string& path() const { return path_; }

 private:
    [[nodiscard]] Problem problem(Position at, std::string text) const;
    [[nodiscard]] Result<std::string> follow(std::string_view reference,
                                             std::span<const std::string_view> placeholders) const;
    [[nodiscard]] Result<std::vector<TextPart>> expand(
        std::string_view text, std::span<const std::string_view> placeholders,
        bool& referenced) const;

    Sources sources_;
    Problems& problems_;
    Origins& origins_;
    Problems literal_secrets_;
    std::string path_;
};

}  // namespace gh::config
