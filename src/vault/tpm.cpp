#include "vault/tpm.hpp"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/try.hpp"

namespace gh::vault {
namespace {

/// What libtss2 gives to be freed.
struct EsysFree {
    void operator()(void* memory) const { Esys_Free(memory); }
};
template <class T>
using EsysPointer = std::unique_ptr<T, EsysFree>;

std::unexpected<Error> refused(const std::string& device, std::string_view what, TSS2_RC code) {
    return fail(ErrorKind::unavailable, "seal.tpm",
                "the TPM " + device + " " + std::string(what) + ": " + Tss2_RC_Decode(code) +
                    "; is it there, may this process open it (group tss), and is the owner's "
                    "authorization empty?");
}

/// The storage root key: the same each time, made of the owner's seed.
TPM2B_PUBLIC root_template() {
    TPM2B_PUBLIC wanted{};
    auto& area = wanted.publicArea;
    area.type = TPM2_ALG_ECC;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
                            TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
    auto& ecc = area.parameters.eccDetail;
    ecc.symmetric.algorithm = TPM2_ALG_AES;
    ecc.symmetric.keyBits.aes = 128;
    ecc.symmetric.mode.aes = TPM2_ALG_CFB;
    ecc.scheme.scheme = TPM2_ALG_NULL;
    ecc.curveID = TPM2_ECC_NIST_P256;
    ecc.kdf.scheme = TPM2_ALG_NULL;
    return wanted;
}

TPM2B_PUBLIC sealed_template() {
    TPM2B_PUBLIC wanted{};
    auto& area = wanted.publicArea;
    area.type = TPM2_ALG_KEYEDHASH;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
    area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
    return wanted;
}

/// A TPM in software is reached over a socket, a real one through its device; no other library is loaded.
std::string transport_of(const std::string& device) {
    if (device.starts_with("swtpm:")) return device;
    return "device:" + device;
}

template <class T, class Marshal>
std::string octets_of(const T& value, Marshal marshal) {
    std::array<std::uint8_t, Tpm::blob_bytes_max> bytes{};
    std::size_t size = 0;
    if (marshal(&value, bytes.data(), bytes.size(), &size) != TSS2_RC_SUCCESS) return {};
    return {reinterpret_cast<const char*>(bytes.data()), size};
}

template <class T, class Unmarshal>
Result<T> value_of(const std::string& octets, Unmarshal unmarshal) {
    T value{};
    std::size_t used = 0;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(octets.data());
    if (unmarshal(bytes, octets.size(), &used, &value) == TSS2_RC_SUCCESS && used == octets.size())
        return value;
    return fail(ErrorKind::corrupt, "seal.malformed", "the recipient tpm holds no sealed object");
}

}  // namespace

struct Tpm::State {
    explicit State(std::string name) : device(std::move(name)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        for (const auto handle : {session, root})
            if (handle != ESYS_TR_NONE) Esys_FlushContext(context, handle);
        if (context != nullptr) Esys_Finalize(&context);
        if (transport != nullptr) Tss2_TctiLdr_Finalize(&transport);
    }

    std::string device;
    TSS2_TCTI_CONTEXT* transport = nullptr;
    ESYS_CONTEXT* context = nullptr;
    ESYS_TR root = ESYS_TR_NONE, session = ESYS_TR_NONE;
};

Tpm::Tpm(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tpm::Tpm(Tpm&&) noexcept = default;
Tpm& Tpm::operator=(Tpm&&) noexcept = default;
Tpm::~Tpm() = default;

Result<Tpm> Tpm::open(const std::string& device) {
    // What goes wrong is told once, in our words.
    ::setenv("TSS2_LOG", "all+none", 0);
    auto state = std::make_unique<State>(device);
    auto code = Tss2_TctiLdr_Initialize(transport_of(device).c_str(), &state->transport);
    if (code == TSS2_RC_SUCCESS) code = Esys_Initialize(&state->context, state->transport, nullptr);
    if (code != TSS2_RC_SUCCESS) return refused(device, "does not open", code);
    const auto wanted = root_template();
    const TPM2B_SENSITIVE_CREATE nothing{};
    const TPML_PCR_SELECTION no_pcrs{};
    code = Esys_CreatePrimary(state->context, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                              ESYS_TR_NONE, &nothing, &wanted, nullptr, &no_pcrs, &state->root,
                              nullptr, nullptr, nullptr, nullptr);
    if (code != TSS2_RC_SUCCESS) return refused(device, "makes no storage root key", code);
    TPMT_SYM_DEF symmetric{};
    symmetric.algorithm = TPM2_ALG_AES;
    symmetric.keyBits.aes = 128;
    symmetric.mode.aes = TPM2_ALG_CFB;
    code = Esys_StartAuthSession(state->context, state->root, ESYS_TR_NONE, ESYS_TR_NONE,
                                 ESYS_TR_NONE, ESYS_TR_NONE, nullptr, TPM2_SE_HMAC, &symmetric,
                                 TPM2_ALG_SHA256, &state->session);
    if (code == TSS2_RC_SUCCESS) {
        constexpr TPMA_SESSION both = TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT;
        code = Esys_TRSess_SetAttributes(state->context, state->session,
                                         both | TPMA_SESSION_CONTINUESESSION, 0xff);
    }
    if (code != TSS2_RC_SUCCESS) return refused(device, "begins no session", code);
    return Tpm(std::move(state));
}

Result<Tpm::Blob> Tpm::seal(const crypto::Secret& value) {
    TPM2B_SENSITIVE_CREATE sensitive{};
    auto& data = sensitive.sensitive.data;
    if (value.size() > sizeof(data.buffer))
        return fail(ErrorKind::invalid_argument, "seal.tpm", "too long for a TPM");
    data.size = static_cast<UINT16>(value.size());
    std::ranges::copy(value.bytes(), data.buffer);
    const auto wanted = sealed_template();
    const TPML_PCR_SELECTION no_pcrs{};
    TPM2B_PRIVATE* secret_part = nullptr;
    TPM2B_PUBLIC* public_part = nullptr;
    const auto code = Esys_Create(state_->context, state_->root, state_->session, ESYS_TR_NONE,
                                  ESYS_TR_NONE, &sensitive, &wanted, nullptr, &no_pcrs,
                                  &secret_part, &public_part, nullptr, nullptr, nullptr);
    crypto::wipe(&sensitive, sizeof sensitive);
    const EsysPointer<TPM2B_PRIVATE> of_private(secret_part);
    const EsysPointer<TPM2B_PUBLIC> of_public(public_part);
    if (code != TSS2_RC_SUCCESS) return refused(state_->device, "does not seal", code);
    return Blob{.public_part = octets_of(*of_public, Tss2_MU_TPM2B_PUBLIC_Marshal),
                .private_part = octets_of(*of_private, Tss2_MU_TPM2B_PRIVATE_Marshal)};
}

Result<crypto::Secret> Tpm::unseal(const Blob& blob) {
    GH_TRY(const auto public_part,
           value_of<TPM2B_PUBLIC>(blob.public_part, Tss2_MU_TPM2B_PUBLIC_Unmarshal));
    GH_TRY(const auto private_part,
           value_of<TPM2B_PRIVATE>(blob.private_part, Tss2_MU_TPM2B_PRIVATE_Unmarshal));
    ESYS_TR object = ESYS_TR_NONE;
    auto code = Esys_Load(state_->context, state_->root, state_->session, ESYS_TR_NONE,
                          ESYS_TR_NONE, &private_part, &public_part, &object);
    if (code != TSS2_RC_SUCCESS) {
        return fail(ErrorKind::permission_denied, "seal.wrong_key",
                    "the TPM " + state_->device + " has not sealed this, or was cleared since (" +
                        Tss2_RC_Decode(code) +
                        "); open the vault with a recovery key: gatehouse secrets unseal --help");
    }
    TPM2B_SENSITIVE_DATA* data = nullptr;
    code = Esys_Unseal(state_->context, object, state_->session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
    const EsysPointer<TPM2B_SENSITIVE_DATA> kept(data);
    Esys_FlushContext(state_->context, object);
    if (code != TSS2_RC_SUCCESS) return refused(state_->device, "does not unseal", code);
    crypto::Secret value(crypto::Bytes(kept->buffer, kept->size));
    crypto::wipe(kept.get(), sizeof *kept);
    return value;
}

}  // namespace gh::vault
