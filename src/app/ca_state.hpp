#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "app/settings.hpp"
#include "app/verb_state.hpp"
#include "audit/record.hpp"
#include "base/error.hpp"
#include "pki/internal_ca.hpp"

// What verbs of the CA have in common.

namespace gh::app {

struct CaState {
    std::unique_ptr<VerbState> verb;
    std::unique_ptr<pki::InternalCa> ca;
};

/// @return errors of open_verb_state() and pki::InternalCa::open()
/// @param root  as pki::InternalCa::open() wants it
[[nodiscard]] Result<CaState> open_ca(const Overrides& overrides, const Surroundings& surroundings,
                                      const pki::Authority* root = nullptr);

/// A leaf into the inventory, by whom the shell belongs to.
/// @return errors of the database
[[nodiscard]] Result<void> record_issued(CaState& state, const pki::IssuedCertificate& issued);

/// An act that has no row of its own.
[[nodiscard]] Result<void> record_act(CaState& state, audit::Record record);

/// Whether a file is written where one is already.
enum class Existing : std::uint8_t { keep, replace };

/// Could a new file be written? Asked before something is made for it.
/// @return `conflict` "file.exists"
[[nodiscard]] Result<void> check_target(const std::filesystem::path& file, Existing existing);

/// Writes a file, whole.
/// @return `conflict` "file.exists" where it is to be kept; `unavailable` "file.io"
[[nodiscard]] Result<void> write_file(const std::filesystem::path& file, std::string_view content,
                                      mode_t mode, Existing existing);

}  // namespace gh::app
