#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::config {

/// What a value may be, as data: made from the types that read, so that schema and reader cannot drift apart.
struct Shape {
    enum class Kind : std::uint8_t {
        text,
        integer,
        number,
        boolean,
        duration,
        size,
        choice,
        list,
        map,
        object,
        either
    };
    struct Property;

    Kind kind = Kind::text;
    std::optional<std::int64_t>
        least;  ///< of an integer or a number, of a duration in ms, of a size, of the length of a list
    std::optional<std::int64_t> most;
    std::vector<std::string> choices;  ///< choice
    std::vector<Shape> inner;  ///< list and map: one, of what they hold; either: the alternatives
    std::vector<Property> properties;  ///< object
    bool secret = false;
};

struct Shape::Property {
    std::string name;
    std::string doc;
    bool required = false;
    Shape shape;
};

/// JSON Schema 2020-12 of a whole file.
[[nodiscard]] std::string json_schema(const Shape& shape, std::string_view title);

/// Every key below `shape` as a path, lists as "[]": "listeners[].tls.min_version".
[[nodiscard]] std::vector<std::string> key_paths(const Shape& shape);

}  // namespace gh::config
