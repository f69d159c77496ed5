#include "plan/config.hpp"

#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::plan {

config::Type<PlansConfig> plans_type() {
    using std::chrono::hours;
    using std::chrono::milliseconds;
    config::Object<PlansConfig> table;
    table.key("lease", &PlansConfig::lease, config::duration(milliseconds(1'000), hours(1)),
              "An agent that is silent for so long loses the step it works on.");
    table.key("retry_first", &PlansConfig::retry_first,
              config::duration(milliseconds(10), hours(1)),
              "How long a step rests that failed for the first time; doubled each time.");
    table.key("retry_most", &PlansConfig::retry_most, config::duration(milliseconds(10), hours(24)),
              "How long it rests at most.");
    table.key("steps_max", &PlansConfig::steps_max, config::integer<std::uint32_t>(1, 100'000),
              "Steps of a plan, with those that steps became.");
    table.key("keep", &PlansConfig::keep, config::duration(hours(1), hours(24 * 3'650)),
              "How long a plan that has ended is kept, with all that happened to it.");
    table.check([](const config::Node& node, config::Reader& reader, const PlansConfig& plans) {
        if (plans.retry_first <= plans.retry_most) return true;
        reader.refuse(node, "has a retry_first that is longer than its retry_most");
        return false;
    });
    return table.type();
}

}  // namespace gh::plan
