#include "profile/pprof.hpp"

#include <zlib.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>
#include <unordered_map>

#include "codec/protobuf_writer.hpp"

namespace gh::profile {
namespace {

using namespace codec::protobuf;

std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

template <class T>
void put_packed(std::string& out, unsigned field, const std::vector<T>& numbers) {
    put_message(out, field, [&](std::string& packed) {
        for (const auto number : numbers) put_varint(packed, static_cast<std::uint64_t>(number));
    });
}

/// A message in the making; everything in it is said once and then spoken of by number.
class Encoder {
 public:
    explicit Encoder(Names& names) : names_(names) { (void)text(""); }

    void value_type(unsigned field, const ValueType& type) {
        const auto name = text(type.type), unit = text(type.unit);
        put_message(out_, field, [&](std::string& message) {
            put_number(message, 1, name);
            put_number(message, 2, unit);
        });
    }

    void sample(const StackValues& stack) {
        std::vector<std::uint64_t> locations;
        for (const auto address : stack.frames) locations.push_back(location(address));
        const auto key = text("thread"), thread = text(stack.thread);
        put_message(out_, 2, [&](std::string& message) {
            put_packed(message, 1, locations);
            put_packed(message, 2, stack.values);
            if (stack.thread.empty()) return;
            put_message(message, 3, [&](std::string& label) {
                put_number(label, 1, key);
                put_number(label, 2, thread);
            });
        });
    }

    void number(unsigned field, std::int64_t value) { put_number(out_, field, unsigned_of(value)); }
    void comment(std::string_view said) { put_number(out_, 13, text(said)); }

    std::string finish() {
        for (const auto& each : texts_in_order_) put_bytes(out_, 6, each);
        return std::move(out_);
    }

 private:
    std::uint64_t text(std::string_view said) {
        const auto [place, added] = texts_.emplace(said, texts_.size());
        if (added) texts_in_order_.emplace_back(said);
        return place->second;
    }

    std::uint64_t location(std::uint64_t address) {
        const auto [place, added] = locations_.emplace(address, locations_.size() + 1);
        if (!added) return place->second;
        const auto found = names_.of(address);
        const auto in = module(found), called = function(found);
        put_message(out_, 4, [&](std::string& message) {
            put_number(message, 1, place->second);
            put_number(message, 2, in);
            put_number(message, 3, address);
            put_message(message, 4, [&](std::string& line) { put_number(line, 1, called); });
        });
        return place->second;
    }

    std::uint64_t module(const Function& found) {
        const auto name = found.module.empty() ? std::string("unknown") : found.module;
        const auto [place, added] = modules_.emplace(name, modules_.size() + 1);
        if (!added) return place->second;
        const auto file = text(name), id = text(found.ours ? names_.build_id() : "");
        put_message(out_, 3, [&](std::string& message) {
            put_number(message, 1, place->second);
            put_number(message, 5, file);
            put_number(message, 6, id);
            put_number(message, 7, 1);  // has_functions: there is nothing to look up any more
        });
        return place->second;
    }

    std::uint64_t function(const Function& found) {
        const auto [place, added] =
            functions_.emplace(std::pair(found.name, found.symbol), functions_.size() + 1);
        if (!added) return place->second;
        const auto name = text(found.name), symbol = text(found.symbol), file = text(found.module);
        put_message(out_, 5, [&](std::string& message) {
            put_number(message, 1, place->second);
            put_number(message, 2, name);
            put_number(message, 3, symbol);
            put_number(message, 4, file);
        });
        return place->second;
    }

    Names& names_;
    std::string out_;
    std::unordered_map<std::string, std::uint64_t> texts_;
    std::vector<std::string> texts_in_order_;
    std::unordered_map<std::uint64_t, std::uint64_t> locations_;
    std::unordered_map<std::string, std::uint64_t> modules_;
    std::map<std::pair<std::string, std::string>, std::uint64_t> functions_;
};

}  // namespace

std::string to_pprof(const Profile& profile, Names& names) {
    Encoder encoder(names);
    for (const auto& type : profile.types) encoder.value_type(1, type);
    for (const auto& stack : profile.stacks) encoder.sample(stack);
    const std::chrono::nanoseconds began = profile.began.time_since_epoch();
    encoder.number(9, began.count());
    encoder.number(10, profile.duration.count());
    encoder.value_type(11, profile.period_type);
    encoder.number(12, profile.period);
    for (const auto& said : profile.comments) encoder.comment(said);
    return encoder.finish();
}

std::string to_folded(const Profile& profile, Names& names) {
    std::map<std::string, std::int64_t> lines;  // different addresses may bear the same names
    for (const auto& stack : profile.stacks) {
        auto line = stack.thread;
        for (auto frame = stack.frames.rbegin(); frame != stack.frames.rend(); ++frame) {
            auto name = names.of(*frame).name;
            std::ranges::replace(name, ';', ',');
            line += (line.empty() ? "" : ";") + name;
        }
        lines[line] += stack.values.empty() ? 0 : stack.values.back();
    }
    std::string text;
    for (const auto& [line, value] : lines) text += line + ' ' + std::to_string(value) + '\n';
    return text;
}

std::string gzip(std::string_view text) {
    constexpr int with_gzip_header = 16 + MAX_WBITS, memory_level = 8;
    z_stream stream{};
    if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, with_gzip_header, memory_level,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
    std::string out(::deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int done = ::deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    if (done != Z_STREAM_END) throw std::logic_error("a profile that zlib cannot compress");
    return out;
}

}  // namespace gh::profile
