#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/call.hpp"
#include "api/object.hpp"
#include "api/reply.hpp"
#include "api/type.hpp"
#include "base/error.hpp"
#include "base/task.hpp"

// From a function of a room to a handler of a route: what the function wants of the request is read and checked before it
// runs, and the same words describe it in the OpenAPI document.
//
//     with(room, add_user, json_body(new_user()))        Task<Result<Reply>> add_user(Room&, Call, NewUser)
//     with(room, list_users, query(user_page()))         Task<Result<Reply>> list_users(Room&, Call, Page)

namespace gh::api {

using Describe = std::function<void(codec::json::Writer&, Schemas&)>;

/// What a handler takes besides the path.
struct Contract {
    std::vector<std::string> media_types;  ///< of the body, lower case; none: there is no body
    Describe describe_body;                ///< null: any
    Describe describe_query;               ///< writes parameters into an array; null: none
};

/// Why a request was not read. With errors it was understood and is wrong: 422.
struct Unread {
    std::uint16_t status = 0;  ///< 0: as yet well
    std::string_view code;
    std::string detail;
    std::vector<FieldError> errors;
};

class Handle {
 public:
    using Run = std::function<Task<Result<Reply>>(Call)>;

    Handle() = default;
    template <class Fn>
        requires(!std::same_as<Fn, Handle>) && std::is_invocable_r_v<Task<Result<Reply>>, Fn&, Call>
    Handle(Fn fn)
        : run_(std::move(fn)) {}  // NOLINT(google-explicit-constructor): a function is one
    Handle(Run run, Contract contract) : run_(std::move(run)), contract_(std::move(contract)) {}

    [[nodiscard]] Task<Result<Reply>> operator()(Call call) const { return run_(call); }
    [[nodiscard]] const Contract& contract() const { return contract_; }

 private:
    Run run_;
    Contract contract_;
};

using ReadValue = std::function<bool(const codec::json::Value&, Reader&)>;
/// 400 where the syntax is broken, 422 where the values are.
void read_json(const Call& call, Unread& unread, const ReadValue& read);
void read_pairs(std::string_view text, FieldError::In in, Unread& unread, const ReadValue& read);
[[nodiscard]] Task<Result<Reply>> refuse_unread(Call call, Unread unread);

/// One thing that a function wants of a request.
template <class T>
struct Input {
    using Value = T;
    std::function<void(const Call&, Unread&, T&)> read;
    std::function<void(Contract&)> declare;
};

/// A body of application/json.
template <class T>
[[nodiscard]] Input<T> json_body(Type<T> type) {
    return {[type](const Call& call, Unread& unread, T& into) {
                read_json(call, unread, [&](const auto& value, Reader& reader) {
                    return type.read(value, reader, into);
                });
            },
            [type](Contract& contract) {
                contract.media_types = {"application/json"};
                contract.describe_body = [type](auto& out, Schemas& schemas) {
                    type.describe(out, schemas);
                };
            }};
}

/// A body of application/x-www-form-urlencoded.
template <class T>
[[nodiscard]] Input<T> form_body(Type<T> type) {
    return {[type](const Call& call, Unread& unread, T& into) {
                read_pairs(call.body, FieldError::In::body, unread,
                           [&](const auto& value, Reader& reader) {
                               return type.read(value, reader, into);
                           });
            },
            [type](Contract& contract) {
                contract.media_types = {"application/x-www-form-urlencoded"};
                contract.describe_body = [type](auto& out, Schemas& schemas) {
                    type.describe(out, schemas);
                };
            }};
}

/// A media type that every body is of, one that says nothing of itself among them.
inline constexpr std::string_view any_media_type = "*/*";

/// A body as it came, of one of these media types: where a protocol has its own idea of what is wrong with it.
[[nodiscard]] Input<std::string_view> raw_body(std::vector<std::string> media_types);

void describe_parameter(codec::json::Writer& out, Schemas& schemas, const std::string& name,
                        const std::string& doc, bool required, const Describe& schema);

/// The parameters of the query. A name that is there twice is an error.
template <class T>
[[nodiscard]] Input<T> query(Object<T> table) {
    return {[type = table.type()](const Call& call, Unread& unread, T& into) {
                read_pairs(call.query, FieldError::In::query, unread,
                           [&](const auto& value, Reader& reader) {
                               return type.read(value, reader, into);
                           });
            },
            [table](Contract& contract) {
                contract.describe_query = [table](auto& out, Schemas& schemas) {
                    table.each_member([&](const auto& name, const auto& doc, bool required,
                                          const auto& describe) {
                        describe_parameter(out, schemas, name, doc, required, describe);
                    });
                };
            }};
}

/// A handler that reads `inputs` in their order and hands them to `fn(call, values...)`. What is wrong with them is told
/// all at once.
template <class Fn, class... T>
[[nodiscard]] Handle reading(Fn fn, Input<T>... inputs) {
    Contract contract;
    (inputs.declare(contract), ...);
    return Handle(
        [fn = std::move(fn), inputs...](Call call) -> Task<Result<Reply>> {
            Unread unread;
            std::tuple<T...> values{};
            const auto read = [&](auto&... into) { (inputs.read(call, unread, into), ...); };
            std::apply(read, values);
            if (unread.status != 0) return refuse_unread(call, std::move(unread));
            return std::apply([&](auto&... each) { return fn(call, std::move(each)...); }, values);
        },
        std::move(contract));
}

/// The same for a function that wants its room, which outlives the handler.
template <class Room, class Fn, class... T>
[[nodiscard]] Handle with(Room& room, Fn fn, Input<T>... inputs) {
    return reading(
        [&room, fn = std::move(fn)](const Call& call, auto&&... values) {
            return fn(room, call, std::move(values)...);
        },
        std::move(inputs)...);
}

}  // namespace gh::api
