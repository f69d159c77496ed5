/* Opens what CryptProtectData() made, by Windows' API alone: standard input is the blob, the argument the entropy's text;
   standard output becomes what was protected. */

#include <windows.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>
#include <wincrypt.h>

int main(int argc, char** argv) {
    static BYTE in[65536];
    DATA_BLOB blob = {0, in};
    DATA_BLOB entropy = {0, NULL};
    DATA_BLOB out = {0, NULL};
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
    blob.cbData = (DWORD)fread(in, 1, sizeof in, stdin);
    if (argc > 1) {
        entropy.pbData = (BYTE*)argv[1];
        entropy.cbData = (DWORD)strlen(argv[1]);
    }
    if (!CryptUnprotectData(&blob, NULL, argc > 1 ? &entropy : NULL, NULL, NULL, CRYPTPROTECT_UI_FORBIDDEN, &out)) {
        fprintf(stderr, "CryptUnprotectData: %lu\n", GetLastError());
        return 1;
    }
    return fwrite(out.pbData, 1, out.cbData, stdout) == out.cbData ? 0 : 1;
}
