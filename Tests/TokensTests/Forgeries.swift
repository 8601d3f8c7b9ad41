/// Tokens that are signed, but not as their algorithm has it, and keys in forms that an attacker takes for a secret.
enum Forgeries {
    /// PS256 with a salt of 20 bytes.
    static let otherSalt = Samples.token(
        #"{"alg":"PS256","kid":"rsa"}"#,
        "eFNsEn8FmCn98IxbNx4rqabzav5ltuR1YAbrkJy0CXOjv1SOBkvOjpyH-zNBc9udYYBbxXh9aIZhFasaDwcIJ9fxijPB1BjdvRYSweyjXhIs-E"
        + "8HWaoIGK8LMtmnG-AbPRdfSIjss9SsXTiI5wUQgVsoMB8AG2JerBJBuss7mqSn2uyUSYHSqLygmviPlvhfEMMZ93WWK51b-Pdf6-BcQqzA27sD"
        + "iauauxzfCYfu2ePHHowOnBrALwvtyg10AhLqVd0MDTQuxM9NzH0s-FTgVKMuX97_1r8c7uTq029wYH-cfDkxfPqKVyQniqlS-zxFXxKdATE-Ss"
        + "Fq15QI591v0A")

    /// PS256 with SHA-384 in MGF1.
    static let otherMask = Samples.token(
        #"{"alg":"PS256","kid":"rsa"}"#,
        "uWa_N2_BYTQZ_lyaseFUg_zQkrxWSBDTRTpKiPbfguit5vzL8_xnUnaAuzm_Bv8ZWFIYGJaEUz9t-RrEtWt3PStngzyfH8Oap6WcecmhXIOKiQ"
        + "wzjftnVcWa0HMgNnti3_mOwva7dNHLZd81k2dxsWev_7Lk1zmcv72pFm4YaWuQZNV4dHGaNX5J4nsUTeBUqWxhjG3fqx6Owm4b2tUaPKvK9h91"
        + "aJkowiCyWjf5mUOBASrDFgeZsY7Wwu-HKc0f1mqMXcoTYOIiYZIJRglUkdcxMURStbmPZ4zVAD0W5lzGeJ9V1vGzZ_8bCh2cB7mi6gsg8AgMMK"
        + "zHUJAltQCLQA")

    /// ES256 with the signature in DER.
    static let der = Samples.token(
        #"{"alg":"ES256","kid":"p256"}"#,
        "MEUCIC_QiBSxLEwBeVSAlCPBMlAkrYtO2znAwmkppXRNN7PkAiEAhXv2DPn19VJ79ajoyRznUpG4zi-PHkYHPMSF4YdUCpU")

    /// ES256 with an `r` of 31 bytes, as its value has, and the same with the 32 that it must have.
    static let shortR = Samples.token(
        #"{"alg":"ES256","kid":"p256"}"#, "o32aatIoJjf-OtoUbpQ4D3V3Mz8fZGFqN5pwNKL4zFJpJTo_gH_yB_MoPlzeUuLEfM-_rLvFGdupSiAYrdvt")
    static let paddedR = Samples.token(
        #"{"alg":"ES256","kid":"p256"}"#, "AKN9mmrSKCY3_jraFG6UOA91dzM_H2RhajeacDSi-MxSaSU6P4B_8gfzKD5c3lLixHzPv6y7xRnbqUogGK3b7Q")

    /// An RSA key of 1024 bits, and what it signed.
    static let weakKey =
        #""kid":"weak","kty":"RSA","e":"AQAB","n":"4FD_cpM5ibqXqJTSFpRwsSg_QvGxLmpjb0O8jbSU34o6npWq3qIbwwhrs8PE"#
        + #"ju9M0Mo1L5GOVNRqhBvkSkyD4Rb-80656HGlzIsKZQWHImBGPiumLaJZYuZtJe6i-DXvDDVi11OED_kZwCdUbPWKAnHYYIqpll8ubIskXo-ytQ0""#
    static let weak = Samples.token(
        #"{"alg":"RS256","kid":"weak"}"#,
        "O8HvZZKkPjWv8-wyhHgZ4O7f31rBjhRWMLRQHK_3_f8GZ0AfZD1wY-4rD3ccJcTbvLy7ZKCRkEgs3sFQgf5OYSYBOd1wVEV3rZpyAXyQ6Lltk0"
        + "1KKI4ImtTMod8YxNLP9-geVueY4isfIlp97Awztiuf06hX2hHrgHX8d5E6YR8")

    /// EdDSA without a `kid`, and with one that no key has.
    static let unnamed = Samples.token(
        #"{"alg":"EdDSA"}"#, "K-77drSSbFdDo52lfIjpcnr5dhw_-aQHC4gRMkKPTs3Of-_8x_3LOwmXkZarmIp47gTRncwsNO9X5xny_SnlCA")
    static let unknown = Samples.token(
        #"{"alg":"EdDSA","kid":"other"}"#, "WihE6SfdN28Kxww1KkkpFi6mJLgPBNgj0iLTSSpHEwDNeQv9mMsFqB3qMV4FN9AH9S2DxkRBFqGpFMpIHOSCBg")

    /// `Samples.rsa` as PEM.
    static let pem = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwWZEnC63VZYE1Tr9d8FW
        lp+jiF2OH3nVMzlaWmdN85SBjC5Fih2fCyJWQIB2V+C5zBH18CWYgztZkgJgr5OI
        oD2qWmZezXGWo5ojVaLsdwZikKNcIvQxUiNLJ9fUTxRC2OtvsWXWMzJqIabP0xq+
        JhxfS0B56pAWzOhdghVDnmwMYtbAIJ4imCoA3XnP66jIWKv5FfAnG7icibcNZEpV
        JwHrfagHqKxB3QbaAEaDxpC5f8e3N8t3YJX7E4OajkJpz3YvcSp0dYbI9Id/jG+y
        ESJGfUseyeg0Q033B03Ln5B2/LFDLMSVdPJhLYvqcymi7IgNIV2dj0BumA1oYoXM
        5QIDAQAB
        -----END PUBLIC KEY-----

        """
}
