#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::config {

/// Where something stands in its file, counted from 1; line 0 means that there is no file.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

/// One value of a configuration file: a scalar, a list or a map. Made once, read by many.
///
/// Scalars keep their text as written: what it means is for the key that reads it to say, so that nothing here
/// guesses that `no` is a boolean or `010` an octal number.
class Node {
 public:
    enum class Kind : std::uint8_t { null, scalar, sequence, map };
    struct Key {
        std::string name;
        Position at;
    };

    Node() = default;
    /// @param quoted  in quotes, or a block: text, whatever it looks like
    [[nodiscard]] static Node scalar(std::string text, bool quoted = true, Position at = {});
    [[nodiscard]] static Node null(Position at = {});
    [[nodiscard]] static Node sequence(Position at = {});
    [[nodiscard]] static Node map(Position at = {});

    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] Position at() const { return at_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool quoted() const { return quoted_; }
    [[nodiscard]] std::size_t size() const { return children_.size(); }
    [[nodiscard]] const Node& child(std::size_t index) const { return children_[index]; }
    [[nodiscard]] const Key& key(std::size_t index) const { return keys_[index]; }
    /// The value under `name` of a map, or nullptr.
    [[nodiscard]] const Node* find(std::string_view name) const;

    /// Building only: of a list, of a map whose keys the builder knows to be distinct.
    void push(Node child) { children_.push_back(std::move(child)); }
    void put(Key key, Node child);
    void put(std::string_view name, Node child) {
        put(Key{std::string(name), {}}, std::move(child));
    }

 private:
    Kind kind_ = Kind::null;
    bool quoted_ = false;
    Position at_;
    std::string text_;
    std::vector<Key> keys_;
    std::vector<Node> children_;
};

/// Where "routes[2].upstream" stands, or the closest thing above it.
[[nodiscard]] Position locate(const Node& tree, std::string_view path);

/// "a map", "a list", ...: for messages.
[[nodiscard]] std::string_view name_of(Node::Kind kind);

}  // namespace gh::config
