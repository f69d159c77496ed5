#include "base/error.hpp"

#include <system_error>

namespace gh {

std::unexpected<Error> fail_errno(ErrorKind kind, std::string_view reason, std::string_view what,
                                  int error_number) {
    std::string detail(what);
    detail += ": ";
    detail += std::generic_category().message(error_number);
    return fail(kind, reason, std::move(detail));
}

std::string describe(const Error& error) {
    std::string text(error.reason);
    if (!error.detail.empty()) {
        text += ": ";
        text += error.detail;
    }
    return text;
}

}  // namespace gh
