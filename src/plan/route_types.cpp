#include "plan/route_types.hpp"

#include <memory>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace gh::plan {
namespace {

class PercentageRules final : public api::Type<double>::Rules {
 public:
    bool read(const codec::json::Value& in, api::Reader& reader, double& out) const override {
        const auto number = in.number();
        if (number && *number >= 0 && *number <= 100) {
            out = *number;
            return true;
        }
        reader.refuse("range", "Must be a number from 0 to 100.");
        return false;
    }
    void write(codec::json::Writer& out, const double& value) const override {
        out.value(codec::json::Value(codec::json::Value::Storage(value)));
    }
    void describe(codec::json::Writer& out, api::Schemas& /*schemas*/) const override {
        out.begin_object().name("type").string("number");
        out.name("minimum").integer(0).name("maximum").integer(100).end_object();
    }
};

}  // namespace

const api::Type<double>& percentage_type() {
    static const api::Type<double> type(std::make_shared<PercentageRules>());
    return type;
}

}  // namespace gh::plan
