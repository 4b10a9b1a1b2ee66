// `bizond new destination NAME`: lays out a destination of one's own in a source checkout.
//
// The folder destinations/NAME/ (code, config schema, example job, README), its test under
// tests/conformance/ with the reader by which the conformance suite sees the rows, and a row in
// each of the two tables, destinations/catalog.cc and tests/conformance/destination_fixtures.cc.
// The texts are destinations/template/*, embedded in the binary. docs/adding-a-destination.md goes
// on from there.
//
// Threads: one call at a time for a checkout.
#ifndef BIZOND_DESTINATIONS_SCAFFOLD_H_
#define BIZOND_DESTINATIONS_SCAFFOLD_H_

#include <filesystem>
#include <string>

#include "base/error.h"

namespace bizond {

// In the checkout that the working directory lies in. Nothing is overwritten; after an error the
// checkout is as it was. Codes not_a_checkout, bad_connector_name, connector_exists,
// unknown_kind, and those of base/fs.h.
Status ScaffoldConnector(const std::string& kind, const std::string& name);
// The same from another directory than the working one.
Status ScaffoldConnectorFrom(const std::filesystem::path& directory, const std::string& kind,
                             const std::string& name);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_SCAFFOLD_H_
