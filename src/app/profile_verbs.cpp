#include <CLI/CLI.hpp>
#include <string>

#include "app/profile_command.hpp"
#include "app/verb_options.hpp"
#include "profile/cpu_profile.hpp"

namespace gh::app {
namespace {

CLI::App* add_kind(CLI::App& parent, Options& options, const std::string& name,
                   const std::string& what, const std::string& example, ProfileKind kind) {
    auto* verb = add_state_verb(parent, options, name, what, example, [&options, kind] {
        return read_profile(state_overrides(options), surroundings(), kind, options.profiling);
    });
    auto& wanted = options.profiling;
    verb->add_option("--key-file", wanted.key_file,
                     "File of an API key or a token with profiles:read")
        ->required();
    verb->add_option("--url", wanted.url,
                     "Where; the configuration's listener that serves the API by default");
    verb->add_option("--ca", wanted.ca_file,
                     "PEM file of whom to believe; the system's authorities by default");
    return verb;
}

void add_output(CLI::App& verb, Options& options, const std::string& what) {
    verb.add_option("--output", options.profiling.output, what);
    verb.add_option("--format", options.profiling.format,
                    "pprof by default; folded stacks are text, one a line")
        ->check(CLI::IsMember({"pprof", "folded"}));
}

}  // namespace

void add_profile(CLI::App& app, Options& options) {
    auto* parent = app.add_subcommand("profile", "Where a running gateway spends time and memory");
    parent->require_subcommand(1);
    parent->footer("Example:\n  gatehouse profile cpu --seconds 30 --key-file admin.key");
    auto* cpu = add_kind(*parent, options, "cpu", "Where processor time goes",
                         "profile cpu --seconds 30 --key-file admin.key\n"
                         "  go tool pprof -http :8080 cpu.pb.gz",
                         ProfileKind::cpu);
    cpu->add_option("--seconds", options.profiling.seconds, "How long; 10 by default, at most 60")
        ->check(CLI::Range(1, static_cast<int>(profile::CpuProfile::duration_max.count())));
    add_output(*cpu, options, "The file to write, - for standard output; cpu.pb.gz by default");
    auto* heap =
        add_kind(*parent, options, "allocations", "What lies on the heap, by who asked for it",
                 "profile allocations --format folded --output - --key-file admin.key",
                 ProfileKind::allocations);
    add_output(*heap, options,
               "The file to write, - for standard output; allocations.pb.gz by default");
    auto* stalls = add_kind(*parent, options, "stalls", "What held a worker over 50 ms",
                            "profile stalls --key-file admin.key", ProfileKind::stalls);
    stalls->add_option("--output", options.profiling.output,
                       "The file to write; standard output by default");
    stalls->add_flag("--json", options.profiling.json, "As the API says it");
}

}  // namespace gh::app
