// Debian has no Boost.JSON for Windows, but its sources as headers.
#include <boost/json/src.hpp>
