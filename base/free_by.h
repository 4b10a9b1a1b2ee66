// FreeBy: the deleter of a std::unique_ptr that owns what a C library allocated.
//
//   using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
#ifndef BIZOND_BASE_FREE_BY_H_
#define BIZOND_BASE_FREE_BY_H_

namespace bizond {

template <auto kFree>
struct FreeBy {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};

}  // namespace bizond

#endif  // BIZOND_BASE_FREE_BY_H_
