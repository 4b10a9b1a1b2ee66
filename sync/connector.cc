#include "sync/connector.h"

#include <algorithm>

namespace bizond {
namespace {

template <typename Descriptor>
const Descriptor* Find(std::span<const Descriptor> rows, std::string_view name) {
  auto found = std::find_if(rows.begin(), rows.end(),
                            [name](const Descriptor& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

std::string_view FindFile(std::span<const EmbeddedFile> files, std::string_view name,
                          std::string_view file) {
  for (const EmbeddedFile& row : files) {
    std::string_view path = row.path;
    if (path.size() == name.size() + 1 + file.size() && path.starts_with(name) &&
        path[name.size()] == '/' && path.ends_with(file)) {
      return row.bytes;
    }
  }
  return {};
}

}  // namespace

const SourceDescriptor* Catalog::FindSource(std::string_view name) const {
  return Find(sources, name);
}

const DestinationDescriptor* Catalog::FindDestination(std::string_view name) const {
  return Find(destinations, name);
}

std::string_view Catalog::SourceFile(std::string_view name, std::string_view file) const {
  return FindFile(source_files, name, file);
}

std::string_view Catalog::DestinationFile(std::string_view name, std::string_view file) const {
  return FindFile(destination_files, name, file);
}

}  // namespace bizond
