// The catalogue of destinations: one row each, the only place where one is registered.
//
// Threads: tables of constants.
#ifndef BIZOND_DESTINATIONS_CATALOG_H_
#define BIZOND_DESTINATIONS_CATALOG_H_

#include <span>

#include "sync/connector.h"

namespace bizond {

std::span<const DestinationDescriptor> DestinationCatalog();
// Those that this build leaves out.
std::span<const AbsentConnector> AbsentDestinations();
// Each destination's schema.json and example*.yml: "file/schema.json".
std::span<const EmbeddedFile> DestinationFiles();

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_CATALOG_H_
