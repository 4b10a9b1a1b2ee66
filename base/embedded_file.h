// A file that was compiled into the binary (cmake/Embed.cmake).
#ifndef BIZOND_BASE_EMBEDDED_FILE_H_
#define BIZOND_BASE_EMBEDDED_FILE_H_

#include <string_view>

namespace bizond {

struct EmbeddedFile {
  std::string_view path;  // Relative to the folder that was embedded, with '/'.
  std::string_view bytes;
};

}  // namespace bizond

#endif  // BIZOND_BASE_EMBEDDED_FILE_H_
