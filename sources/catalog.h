// The catalogue of sources: one row each, read by everything that must know them.
//
// A new source is a folder here with its code, `schema.json` and `example.yml`, and its row in
// catalog.cc.
//
// Threads: constants.
#ifndef BIZOND_SOURCES_CATALOG_H_
#define BIZOND_SOURCES_CATALOG_H_

#include <span>

#include "base/embedded_file.h"
#include "sync/connector.h"

namespace bizond {

std::span<const SourceDescriptor> SourceCatalog();

// Every source's schema and example jobs, as "<name>/schema.json".
std::span<const EmbeddedFile> SourceFiles();

}  // namespace bizond

#endif  // BIZOND_SOURCES_CATALOG_H_
