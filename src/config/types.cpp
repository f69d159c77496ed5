#include "config/types.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include "config/object.hpp"
#include "config/suggest.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"

namespace gh::config {
namespace {

std::string join(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

class TextRules final : public Type<std::string>::Rules {
 public:
    explicit TextRules(TextRule rule) : rule_(rule) {}
    bool read(const Node& node, Reader& reader, std::string& out) const override {
        auto scalar = reader.scalar(node, "text");
        if (!scalar) return false;
        if (!scalar->quoted && !scalar->referenced && reads_as_other_than_text(scalar->text)) {
            reader.refuse(
                node,
                fmt::format("{} is not text, wanted: text; put it in quotes if it is meant so",
                            scalar->shown));
            return false;
        }
        if (scalar->text.size() < rule_.bytes_min || scalar->text.size() > rule_.bytes_max) {
            reader.refuse(node, fmt::format("has {} bytes, allowed: {} to {}", scalar->text.size(),
                                            rule_.bytes_min, rule_.bytes_max));
            return false;
        }
        out = std::move(scalar->text);
        return true;
    }
    Node show(const std::string& value) const override {
        return value.empty() && rule_.bytes_min > 0 ? Node{} : Node::scalar(value);
    }
    Shape shape() const override { return Shape{}; }

 private:
    TextRule rule_;
};

class BooleanRules final : public Type<bool>::Rules {
 public:
    bool read(const Node& node, Reader& reader, bool& out) const override {
        const auto scalar = reader.scalar(node, "true or false");
        if (!scalar) return false;
        if (scalar->quoted || (scalar->text != "true" && scalar->text != "false")) {
            reader.refuse(node,
                          fmt::format("{} is not a boolean, allowed: true, false", scalar->shown));
            return false;
        }
        out = scalar->text == "true";
        return true;
    }
    Node show(const bool& value) const override {
        return Node::scalar(value ? "true" : "false", false);
    }
    Shape shape() const override { return Shape{.kind = Shape::Kind::boolean}; }
};

class IntegerRules final : public Type<std::int64_t>::Rules {
 public:
    IntegerRules(std::int64_t least, std::int64_t most) : least_(least), most_(most) {}
    bool read(const Node& node, Reader& reader, std::int64_t& out) const override {
        const auto scalar = reader.scalar(node, "a whole number");
        if (!scalar) return false;
        const auto value = parse_integer(scalar->text);
        if (scalar->quoted || !value) {
            reader.refuse(node, fmt::format("{} is not a whole number, allowed: {} to {}",
                                            scalar->shown, least_, most_));
            return false;
        }
        if (*value < least_ || *value > most_) {
            reader.refuse(node, fmt::format("{} is out of range, allowed: {} to {}", scalar->shown,
                                            least_, most_));
            return false;
        }
        out = *value;
        return true;
    }
    Node show(const std::int64_t& value) const override {
        return Node::scalar(fmt::format("{}", value), false);
    }
    Shape shape() const override {
        return Shape{.kind = Shape::Kind::integer, .least = least_, .most = most_};
    }

 private:
    std::int64_t least_, most_;
};

class ShareRules final : public Type<double>::Rules {
 public:
    bool read(const Node& node, Reader& reader, double& out) const override {
        const auto scalar = reader.scalar(node, "a number from 0 to 1");
        if (!scalar) return false;
        const auto& text = scalar->text;
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value,
                                                  std::chars_format::fixed);
        if (scalar->quoted || error != std::errc() || end != text.data() + text.size() ||
            !(value >= 0 && value <= 1)) {
            reader.refuse(node, scalar->shown + " is no share, allowed: 0 to 1, such as 0.01");
            return false;
        }
        out = value;
        return true;
    }
    Node show(const double& value) const override {
        return Node::scalar(fmt::format("{}", value), false);
    }
    Shape shape() const override { return {.kind = Shape::Kind::number, .least = 0, .most = 1}; }
};

class DurationRules final : public Type<std::chrono::milliseconds>::Rules {
 public:
    DurationRules(std::chrono::milliseconds least, std::chrono::milliseconds most)
        : least_(least), most_(most) {}
    bool read(const Node& node, Reader& reader, std::chrono::milliseconds& out) const override {
        const auto scalar = reader.scalar(node, "a duration such as 10s");
        if (!scalar) return false;
        const auto value = parse_duration(scalar->text);
        if (!value) {
            reader.refuse(node, scalar->shown + " " + value.error().detail);
            return false;
        }
        if (*value < least_ || *value > most_) {
            reader.refuse(node, fmt::format("{} is out of range, allowed: {} to {}", scalar->shown,
                                            duration_text(least_), duration_text(most_)));
            return false;
        }
        out = *value;
        return true;
    }
    Node show(const std::chrono::milliseconds& value) const override {
        return Node::scalar(duration_text(value), false);
    }
    Shape shape() const override {
        return Shape{.kind = Shape::Kind::duration, .least = least_.count(), .most = most_.count()};
    }

 private:
    std::chrono::milliseconds least_, most_;
};

class SizeRules final : public Type<std::uint64_t>::Rules {
 public:
    SizeRules(std::uint64_t least, std::uint64_t most) : least_(least), most_(most) {}
    bool read(const Node& node, Reader& reader, std::uint64_t& out) const override {
        const auto scalar = reader.scalar(node, "a size such as 64KiB");
        if (!scalar) return false;
        const auto value = parse_size(scalar->text);
        if (!value) {
            reader.refuse(node, scalar->shown + " " + value.error().detail);
            return false;
        }
        if (*value < least_ || *value > most_) {
            reader.refuse(node, fmt::format("{} is out of range, allowed: {} to {}", scalar->shown,
                                            size_text(least_), size_text(most_)));
            return false;
        }
        out = *value;
        return true;
    }
    Node show(const std::uint64_t& value) const override {
        return Node::scalar(size_text(value), false);
    }
    Shape shape() const override {
        return Shape{.kind = Shape::Kind::size,
                     .least = static_cast<std::int64_t>(least_),
                     .most = static_cast<std::int64_t>(most_)};
    }

 private:
    std::uint64_t least_, most_;
};

class PathRules final : public Type<std::filesystem::path>::Rules {
 public:
    bool read(const Node& node, Reader& reader, std::filesystem::path& out) const override {
        std::string written;
        if (!text().read(node, reader, written)) return false;
        out = reader.resolve(written);
        return true;
    }
    Node show(const std::filesystem::path& value) const override {
        return value.empty() ? Node{} : Node::scalar(value.native());
    }
    Shape shape() const override { return Shape{}; }
};

class SecretRules final : public Type<Secret>::Rules {
 public:
    bool read(const Node& node, Reader& reader, Secret& out) const override {
        auto scalar = reader.scalar(node, "a secret by reference");
        if (!scalar) return false;
        if (!scalar->referenced) reader.note_literal_secret(node);
        if (scalar->text.empty()) {
            reader.refuse(node, "is empty");
            return false;
        }
        out = Secret(std::move(scalar->text));
        return true;
    }
    Node show(const Secret& value) const override {
        return value.empty() ? Node{} : Node::scalar("********");
    }
    Shape shape() const override { return Shape{.kind = Shape::Kind::text, .secret = true}; }
};

class WordRules final : public Type<std::size_t>::Rules {
 public:
    WordRules(std::vector<std::string> words, RefusedWords refused)
        : words_(std::move(words)), refused_(std::move(refused)) {}
    bool read(const Node& node, Reader& reader, std::size_t& out) const override {
        const auto scalar = reader.scalar(node, "one of " + join(words_));
        if (!scalar) return false;
        if (const auto known = refused_.find(scalar->text); known != refused_.end()) {
            reader.refuse(node, fmt::format("{} {}", scalar->shown, known->second));
            return false;
        }
        const auto found = std::ranges::find(words_, scalar->text);
        if (found == words_.end()) {
            const std::vector<std::string_view> known(words_.begin(), words_.end());
            const auto close =
                scalar->referenced ? std::string_view{} : nearest(scalar->text, known);
            reader.refuse(node,
                          fmt::format("{} is unknown,{} allowed: {}", scalar->shown,
                                      close.empty() ? "" : fmt::format(" did you mean {}?", close),
                                      join(words_)));
            return false;
        }
        out = static_cast<std::size_t>(found - words_.begin());
        return true;
    }
    Node show(const std::size_t& value) const override { return Node::scalar(words_[value]); }
    Shape shape() const override { return Shape{.kind = Shape::Kind::choice, .choices = words_}; }

 private:
    std::vector<std::string> words_;
    RefusedWords refused_;
};

}  // namespace

Type<std::string> text(TextRule rule) {
    return Type<std::string>(std::make_shared<TextRules>(rule));
}

Type<std::string> name() {
    const auto check = [](const std::string& written) -> Result<std::string> {
        constexpr std::string_view allowed =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
        if (written.size() > 64 || written.find_first_not_of(allowed) != std::string::npos) {
            return fail(ErrorKind::invalid_argument, "config.name",
                        "is not a name, allowed: at most 64 letters, digits, _, - and .");
        }
        return written;
    };
    return mapped<std::string, std::string>(text(), check,
                                            [](const std::string& value) { return value; });
}

Type<bool> boolean() { return Type<bool>(std::make_shared<BooleanRules>()); }

Type<std::int64_t> integer_64(std::int64_t least, std::int64_t most) {
    return Type<std::int64_t>(std::make_shared<IntegerRules>(least, most));
}

Type<std::chrono::milliseconds> duration(std::chrono::milliseconds least,
                                         std::chrono::milliseconds most) {
    return Type<std::chrono::milliseconds>(std::make_shared<DurationRules>(least, most));
}

Type<std::chrono::seconds> whole_seconds(std::chrono::seconds least, std::chrono::seconds most) {
    const auto parse = [](const std::chrono::milliseconds& fine) -> Result<std::chrono::seconds> {
        const auto coarse = std::chrono::duration_cast<std::chrono::seconds>(fine);
        if (coarse != fine)
            return fail(ErrorKind::invalid_argument, "config.duration",
                        "is not a whole number of seconds");
        return coarse;
    };
    return mapped<std::chrono::milliseconds, std::chrono::seconds>(
        duration(least, most), parse,
        [](const std::chrono::seconds& value) -> std::chrono::milliseconds { return value; });
}

Type<std::uint64_t> size_64(std::uint64_t least, std::uint64_t most) {
    return Type<std::uint64_t>(std::make_shared<SizeRules>(least, most));
}

Type<double> share() { return Type<double>(std::make_shared<ShareRules>()); }

Type<std::filesystem::path> file_path() {
    return Type<std::filesystem::path>(std::make_shared<PathRules>());
}

Type<Secret> secret() { return Type<Secret>(std::make_shared<SecretRules>()); }

Type<std::size_t> word_of(std::vector<std::string> words, RefusedWords refused) {
    return Type<std::size_t>(std::make_shared<WordRules>(std::move(words), std::move(refused)));
}

bool check_list(const Node& node, Reader& reader, const ListRule& rule) {
    if (node.kind() != Node::Kind::sequence) {
        reader.refuse(node, fmt::format("is {}, wanted: a list", name_of(node.kind())));
        return false;
    }
    if (node.size() < rule.items_min || node.size() > rule.items_max) {
        reader.refuse(node, fmt::format("has {} entries, allowed: {} to {}", node.size(),
                                        rule.items_min, rule.items_max));
        return false;
    }
    return true;
}

bool check_map(const Node& node, Reader& reader, std::size_t entries_max) {
    if (node.kind() != Node::Kind::map) {
        reader.refuse(node, fmt::format("is {}, wanted: a map", name_of(node.kind())));
        return false;
    }
    if (node.size() > entries_max) {
        reader.refuse(node,
                      fmt::format("has {} entries, allowed: at most {}", node.size(), entries_max));
        return false;
    }
    return true;
}

bool check_keys(const Node& node, Reader& reader, const std::vector<std::string_view>& known) {
    if (node.kind() != Node::Kind::map) {
        reader.refuse(node, fmt::format("is {}, wanted: a map", name_of(node.kind())));
        return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < node.size(); ++i) {
        const auto& key = node.key(i);
        if (std::ranges::find(known, key.name) != known.end()) continue;
        const auto close = nearest(key.name, known);
        const auto hint = close.empty() ? std::string{} : fmt::format(", did you mean {}?", close);
        const auto quoted = quote(key.name);
        const auto step = reader.enter(std::string_view(quoted).substr(1, quoted.size() - 2));
        reader.refuse(key.at, fmt::format("unknown key{} allowed: {}", hint.empty() ? "," : hint,
                                          fmt::join(known, ", ")));
        good = false;
    }
    return good;
}

}  // namespace gh::config
