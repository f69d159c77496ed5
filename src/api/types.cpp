#include "api/types.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <string>
#include <system_error>

#include "codec/utf8.hpp"
#include "config/unit.hpp"

namespace gh::api {
namespace {

using codec::json::Value;
using codec::json::Writer;

/// The text of a string; null, with the error noted, for anything else.
const std::string* string_in(const Value& in, Reader& reader) {
    const auto* text = in.string();
    if (text == nullptr) reader.refuse("type", "Must be a string.");
    return text;
}

std::string bounds(std::string_view what, std::int64_t least, std::int64_t most,
                   std::string_view unit) {
    std::string text(what);
    if (least == most) return text + std::to_string(least) + std::string(unit);
    return text + std::to_string(least) + " to " + std::to_string(most) + std::string(unit);
}

bool breaks_no_line(char c) { return c != '\n' && c != '\r' && c != '\t'; }

class TextRules final : public Type<std::string>::Rules {
 public:
    explicit TextRules(TextRule rule) : rule_(rule) {}

    bool read(const Value& in, Reader& reader, std::string& out) const override {
        const auto* text = string_in(in, reader);
        if (text == nullptr) return false;
        const auto length = codec::utf8_characters(*text).value_or(0);
        if (length < rule_.length_min || length > rule_.length_max) {
            reader.refuse("length",
                          bounds("Must have ", static_cast<std::int64_t>(rule_.length_min),
                                 static_cast<std::int64_t>(rule_.length_max), " characters."));
            return false;
        }
        if (has_forbidden_character(*text)) {
            reader.refuse("control_character", "Must not hold control characters.");
            return false;
        }
        if (rule_.form.holds != nullptr && !rule_.form.holds(*text)) {
            reader.refuse("form", "Must be " + std::string(rule_.form.said) + ".");
            return false;
        }
        out = *text;
        return true;
    }
    void write(Writer& out, const std::string& value) const override { out.string(value); }
    void describe(Writer& out, Schemas&) const override {
        out.begin_object().name("type").string("string");
        out.name("minLength").integer(static_cast<std::int64_t>(rule_.length_min));
        out.name("maxLength").integer(static_cast<std::int64_t>(rule_.length_max));
        if (!rule_.form.pattern.empty()) out.name("pattern").string(rule_.form.pattern);
        if (rule_.secret) {
            out.name("format").string("password").name("writeOnly").boolean(true);
        } else if (!rule_.form.format.empty()) {
            out.name("format").string(rule_.form.format);
        }
        out.end_object();
    }

 private:
    [[nodiscard]] bool has_forbidden_character(std::string_view text) const {
        if (!rule_.lines) return codec::has_control_character(text);
        std::string rest;
        std::ranges::copy_if(text, std::back_inserter(rest), breaks_no_line);
        return codec::has_control_character(rest);
    }
    TextRule rule_;
};

class BooleanRules final : public Type<bool>::Rules {
 public:
    bool read(const Value& in, Reader& reader, bool& out) const override {
        auto value = in.boolean();
        if (const auto* text = in.string(); text != nullptr && reader.textual()) {
            if (*text == "true") value = true;
            if (*text == "false") value = false;
        }
        if (!value) {
            reader.refuse("type", "Must be true or false.");
            return false;
        }
        out = *value;
        return true;
    }
    void write(Writer& out, const bool& value) const override { out.boolean(value); }
    void describe(Writer& out, Schemas&) const override {
        out.begin_object().name("type").string("boolean").end_object();
    }
};

class IntegerRules final : public Type<std::int64_t>::Rules {
 public:
    IntegerRules(std::int64_t least, std::int64_t most) : least_(least), most_(most) {}

    bool read(const Value& in, Reader& reader, std::int64_t& out) const override {
        auto value = in.integer();
        if (const auto* text = in.string(); text != nullptr && reader.textual()) {
            if (auto parsed = config::parse_integer(*text)) value = *parsed;
        }
        if (!value && !in.number()) {
            reader.refuse("type", "Must be a whole number.");
            return false;
        }
        if (!value || *value < least_ || *value > most_) {
            reader.refuse("range", bounds("Must be a whole number, ", least_, most_, "."));
            return false;
        }
        out = *value;
        return true;
    }
    void write(Writer& out, const std::int64_t& value) const override { out.integer(value); }
    void describe(Writer& out, Schemas&) const override {
        out.begin_object().name("type").string("integer");
        out.name("minimum").integer(least_).name("maximum").integer(most_).end_object();
    }

 private:
    std::int64_t least_;
    std::int64_t most_;
};

/// What reads back as the same number.
std::string shortest(double value) {
    std::array<char, 512> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                            std::chars_format::fixed);
    return error == std::errc() ? std::string(digits.data(), end) : "0";
}

class FractionRules final : public Type<double>::Rules {
 public:
    bool read(const Value& in, Reader& reader, double& out) const override {
        const auto value = in.number();
        if (!value || !(*value >= 0 && *value <= 1)) {
            reader.refuse("range", "Must be a number, 0 to 1.");
            return false;
        }
        out = *value;
        return true;
    }
    void write(Writer& out, const double& value) const override { out.raw(shortest(value)); }
    void describe(Writer& out, Schemas&) const override {
        out.begin_object().name("type").string("number");
        out.name("minimum").integer(0).name("maximum").integer(1).end_object();
    }
};

class TimeRules final : public Type<SystemTime>::Rules {
 public:
    bool read(const Value& in, Reader& reader, SystemTime& out) const override {
        const auto* text = string_in(in, reader);
        if (text == nullptr) return false;
        const auto parsed = config::parse_time(*text);
        if (!parsed) {
            reader.refuse("time", "Must be a time in UTC such as 2027-01-31T00:00:00Z.");
            return false;
        }
        out = *parsed;
        return true;
    }
    void write(Writer& out, const SystemTime& value) const override {
        out.string(config::time_text(value));
    }
    void describe(Writer& out, Schemas&) const override {
        out.begin_object().name("type").string("string");
        out.name("format").string("date-time").end_object();
    }
};

class WordRules final : public Type<std::size_t>::Rules {
 public:
    explicit WordRules(std::vector<std::string> words) : words_(std::move(words)) {}

    bool read(const Value& in, Reader& reader, std::size_t& out) const override {
        const auto* text = string_in(in, reader);
        if (text == nullptr) return false;
        const auto found = std::ranges::find(words_, *text);
        if (found == words_.end()) {
            std::string allowed;
            for (const auto& word : words_) allowed += (allowed.empty() ? "" : ", ") + word;
            reader.refuse("choice", "Must be one of: " + allowed + ".");
            return false;
        }
        out = static_cast<std::size_t>(found - words_.begin());
        return true;
    }
    void write(Writer& out, const std::size_t& value) const override { out.string(words_[value]); }
    void describe(Writer& out, Schemas&) const override {
        out.begin_object().name("type").string("string").name("enum").begin_array();
        for (const auto& word : words_) out.string(word);
        out.end_array().end_object();
    }

 private:
    std::vector<std::string> words_;
};

class JsonObjectRules final : public Type<std::string>::Rules {
 public:
    explicit JsonObjectRules(std::size_t bytes_max) : bytes_max_(bytes_max) {}
    bool read(const Value& in, Reader& reader, std::string& out) const override {
        if (in.object() == nullptr) {
            reader.refuse("type", "Must be an object.");
            return false;
        }
        out.clear();
        Writer(out).value(in);
        if (out.size() <= bytes_max_) return true;
        reader.refuse("length", "Must be at most " + std::to_string(bytes_max_) + " bytes.");
        return false;
    }
    void write(Writer& out, const std::string& value) const override { out.raw(value); }
    void describe(Writer& out, Schemas& /*schemas*/) const override {
        out.begin_object().name("type").string("object").end_object();
    }

 private:
    std::size_t bytes_max_;
};

}  // namespace

Type<std::string> text(TextRule rule) {
    return Type<std::string>(std::make_shared<TextRules>(rule));
}

Type<bool> boolean() { return Type<bool>(std::make_shared<BooleanRules>()); }

Type<std::int64_t> integer_64(std::int64_t least, std::int64_t most) {
    return Type<std::int64_t>(std::make_shared<IntegerRules>(least, most));
}

Type<double> fraction() { return Type<double>(std::make_shared<FractionRules>()); }

Type<SystemTime> time() { return Type<SystemTime>(std::make_shared<TimeRules>()); }

Type<std::string> json_object(std::size_t bytes_max) {
    return Type<std::string>(std::make_shared<JsonObjectRules>(bytes_max));
}

Type<std::size_t> word_of(std::vector<std::string> words) {
    return Type<std::size_t>(std::make_shared<WordRules>(std::move(words)));
}

const codec::json::Array* check_list(const Value& in, Reader& reader, const ListRule& rule) {
    const auto* items = in.array();
    if (items == nullptr) {
        reader.refuse("type", "Must be an array.");
        return nullptr;
    }
    if (items->size() < rule.items_min || items->size() > rule.items_max) {
        reader.refuse("length", bounds("Must have ", static_cast<std::int64_t>(rule.items_min),
                                       static_cast<std::int64_t>(rule.items_max), " items."));
        return nullptr;
    }
    return items;
}

void describe_list(Writer& out, const ListRule& rule, const std::function<void()>& describe_items) {
    out.begin_object().name("type").string("array");
    out.name("minItems").integer(static_cast<std::int64_t>(rule.items_min));
    out.name("maxItems").integer(static_cast<std::int64_t>(rule.items_max));
    if (rule.distinct) out.name("uniqueItems").boolean(true);
    out.name("items");
    describe_items();
    out.end_object();
}

const codec::json::Members* check_map(const Value& in, Reader& reader, std::size_t entries_max) {
    const auto* members = in.object();
    if (members == nullptr) {
        reader.refuse("type", "Must be an object.");
        return nullptr;
    }
    if (members->size() > entries_max) {
        reader.refuse("length",
                      bounds("Must have ", 0, static_cast<std::int64_t>(entries_max), " members."));
        return nullptr;
    }
    return members;
}

}  // namespace gh::api
