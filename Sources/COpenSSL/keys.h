// What takes arrays of OSSL_PARAM, which keep pointers to names and values: Swift's own last for one call only.

#ifndef COPENSSL_KEYS_H
#define COPENSSL_KEYS_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

/// EVP_MAC_init with a key and the name of a hash.
static inline int copenssl_mac_init(EVP_MAC_CTX *context, const unsigned char *key, size_t size, const char *digest) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(context, key, size, parameters);
}

/// A public key of this type, or null if libcrypto does not take the parameters.
static inline EVP_PKEY *copenssl_public_key(const char *type, OSSL_PARAM *parameters) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

/// An RSA key of two big-endian numbers, or null.
static inline EVP_PKEY *copenssl_rsa_key(
    const unsigned char *modulus, size_t modulus_size, const unsigned char *exponent, size_t exponent_size) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = NULL;
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_size, NULL);
    BIGNUM *e = BN_bin2bn(exponent, (int)exponent_size, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (n != NULL && e != NULL && builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        parameters = OSSL_PARAM_BLD_to_param(builder);
    }
    if (parameters != NULL) {
        key = copenssl_public_key("RSA", parameters);
    }
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

/// A key of a curve by its name, at a point as SEC 1 section 2.3.3 writes it; null if it is no point of the curve.
static inline EVP_PKEY *copenssl_ec_key(const char *curve, const unsigned char *point, size_t size) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, size),
        OSSL_PARAM_construct_end(),
    };
    return copenssl_public_key("EC", parameters);
}

#endif
