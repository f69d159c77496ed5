#include "config/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <vector>

#include "config/text.hpp"

namespace gh::config {
namespace {

/// How this file gets out of yaml-cpp, which itself throws. Caught in parse_yaml.
struct Refused {
    Position at;
    std::string text;
};

constexpr const char* alias_refused =
    "aliases are not allowed: write the value out, or put it in quotes if it is text";

Position position_of(const YAML::Mark& mark) {
    return Position{static_cast<std::uint32_t>(std::max(mark.line, 0)) + 1,
                    static_cast<std::uint32_t>(std::max(mark.column, 0)) + 1};
}

/// Builds the tree from events; the limits hold before anything is kept.
class Builder : public YAML::EventHandler {
 public:
    [[nodiscard]] Node take() {
        const bool empty = !root_ || root_->kind() == Node::Kind::null;
        return empty ? Node::map(Position{1, 1}) : std::move(*root_);
    }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        value(Node::null(position_of(mark)));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw Refused{position_of(mark), alias_refused};
    }
    void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse_anchor(mark, 1); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        refuse_anchor(mark, anchor);
        if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark);
        if (awaits_key()) {
            if (text.size() > yaml_key_bytes_max) {
                throw Refused{position_of(mark),
                              fmt::format("a key has more than {} bytes", yaml_key_bytes_max)};
            }
            if (open_.back().node.size() == yaml_keys_max) {
                throw Refused{position_of(mark),
                              fmt::format("more than {} keys in one map", yaml_keys_max)};
            }
            open_.back().key = Node::Key{text, position_of(mark)};
            refuse_twice(open_.back());
            return;
        }
        value(Node::scalar(text, tag == "!", position_of(mark)));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::sequence(position_of(mark)));
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::map(position_of(mark)));
    }
    void OnMapEnd() override { close(); }

 private:
    struct Open {
        Node node;
        std::optional<Node::Key> key;  // of a map: read, its value still to come
    };

    static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0)
            throw Refused{position_of(mark), "anchors are not allowed: write the value out"};
    }
    static void refuse_tag(const YAML::Mark& mark) {
        throw Refused{position_of(mark), "tags are not allowed: each key knows its type"};
    }
    static void refuse_twice(const Open& in) {
        if (in.node.find(in.key->name) != nullptr) {
            throw Refused{in.key->at,
                          fmt::format("the key {} appears twice in one map", quote(in.key->name))};
        }
    }
    [[nodiscard]] bool awaits_key() const {
        return !open_.empty() && open_.back().node.kind() == Node::Kind::map && !open_.back().key;
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node node) {
        refuse_anchor(mark, anchor);
        if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark);
        if (awaits_key()) throw Refused{position_of(mark), "a key must be a single word"};
        if (open_.size() == yaml_depth_max) {
            throw Refused{position_of(mark),
                          fmt::format("nested deeper than {} levels", yaml_depth_max)};
        }
        open_.push_back(Open{std::move(node), std::nullopt});
    }

    void close() {
        Node done = std::move(open_.back().node);
        open_.pop_back();
        value(std::move(done));
    }

    void value(Node node) {
        if (++nodes_ > yaml_nodes_max)
            throw Refused{node.at(), fmt::format("more than {} values", yaml_nodes_max)};
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        auto& in = open_.back();
        if (in.node.kind() != Node::Kind::map) {
            in.node.push(std::move(node));
            return;
        }
        if (!in.key) throw Refused{node.at(), "a key must be a single word"};
        // "nothing" is marked where the next thing begins; its key is where people look.
        if (node.kind() == Node::Kind::null) node = Node::null(in.key->at);
        in.node.put(std::move(*in.key), std::move(node));
        in.key.reset();
    }

    std::vector<Open> open_;
    std::optional<Node> root_;
    std::size_t nodes_ = 0;
};

}  // namespace

std::expected<Node, Problem> parse_yaml(std::string_view text, std::string_view file) {
    const auto problem = [file](Position at, std::string what) {
        return std::unexpected(Problem{std::string(file), at.line, {}, std::move(what)});
    };
    if (text.size() > yaml_bytes_max)
        return problem({}, fmt::format("larger than {} bytes", yaml_bytes_max));
    if (const auto bad = find_unreadable(text)) {
        const auto line =
            1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n');
        return problem(Position{static_cast<std::uint32_t>(line), 1},
                       "holds bytes that are not UTF-8 text, or control characters");
    }
    try {
        // The end marker makes an open quote an error: yaml-cpp lets one run up to a last line feed.
        std::istringstream stream{std::string(text) + (text.ends_with('\n') ? "...\n" : "\n...\n")};
        YAML::Parser parser(stream);
        Builder first;
        if (!parser.HandleNextDocument(first)) return Node::map(Position{1, 1});
        Builder second;
        if (parser.HandleNextDocument(second))
            return problem({}, "holds more than one YAML document");
        return first.take();
    } catch (const Refused& refused) {
        return problem(refused.at, refused.text);
    } catch (const YAML::Exception& error) {
        // Anchors are refused where they are defined, so that an alias is one to nothing.
        const bool alias = error.msg == YAML::ErrorMsg::UNKNOWN_ANCHOR;
        return problem(position_of(error.mark), alias ? alias_refused : "not YAML: " + error.msg);
    }
}

}  // namespace gh::config
