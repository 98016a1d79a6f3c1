// The whole service in Azure: containers, PostgreSQL, Blob Storage, Key Vault, monitoring and, as wanted, Speech,
// Translator, OpenAI, Redis and Cosmos DB. docs/azure.md tells how it is used; it was not deployed to a real Azure.
//
//   az deployment group create --resource-group your-rg --parameters deploy/azure/bicep/main.bicepparam

targetScope = 'resourceGroup'

@description('Begins the names of all that is made.')
@minLength(3)
@maxLength(12)
param name string = 'voices'

param location string = resourceGroup().location

param tags object = {}

@description('Image of the service, with its registry and tag.')
param image string

@description('Azure Container Registry that has the image, without .azurecr.io. Empty: anybody may fetch it.')
param registryName string = ''

param registryResourceGroup string = resourceGroup().name

// Who may call

@description('api_key, entra, or both with a comma.')
@allowed(['api_key', 'entra', 'api_key,entra'])
param authMode string = 'api_key'

@description('With entra: the tenant whose users may call, and the application id of this API.')
param apiTenantId string = tenant().tenantId
param apiClientId string = ''

@description('Names of your own that the service is called by, e.g. voices.example.com.')
param hosts string[] = []

@description('Web pages that may call it, e.g. https://app.example.com.')
param allowedOrigins string[] = []

@description('What a voice needs before it can speak.')
@allowed(['recorded', 'attest', 'off'])
param consentPolicy string = 'recorded'

// Secrets: given at the deployment, kept in Key Vault

@description('Password of PostgreSQL.')
@minLength(12)
@secure()
param databasePassword string

@description('Bearer token by which Prometheus reads /metrics.')
@minLength(16)
@secure()
param metricsToken string

@description('Signs what is sent to webhooks. Empty: there are none.')
@secure()
param webhookSecret string = ''

@description('PEM text of the key that signs files. Empty: they are not signed.')
@secure()
param c2paPrivateKey string = ''

@description('PEM text of its certificate and of the issuers.')
param c2paCertificate string = ''

@description('Addresses or networks from which people may change secrets in the vault.')
param vaultOpenTo string[] = []

// Where records lie

@description('cosmos: records in Cosmos DB; PostgreSQL is there all the same, for jobs that wait.')
@allowed(['postgresql', 'cosmos'])
param database string = 'postgresql'

param postgresSku string = 'Standard_B2s'

@allowed(['Burstable', 'GeneralPurpose', 'MemoryOptimized'])
param postgresTier string = 'Burstable'

@minValue(32)
param postgresStorageGB int = 32

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_ZRS'

param storageContainer string = 'voice-cloning'

@description('Days after which unchanged recordings and audio move to the cool tier. 0: never.')
@minValue(0)
param coolAfterDays int = 90

@description('Days for which deleted files can be brought back, those of revoked consents among them. 0: not at all.')
@minValue(0)
@maxValue(365)
param recoveryDays int = 0

@description('Redis, which lets several containers share rate limits.')
param redis bool = false

param redisSku string = 'Balanced_B0'

// What speaks, translates and prepares

@description('auto: the models in the image\'s own engine; azure: Azure AI Speech.')
@allowed(['auto', 'azure'])
param voiceEngine string = 'auto'

@description('An account of Azure AI Speech.')
param speech bool = voiceEngine == 'azure'

@description('Personal voices are to be had in some regions only.')
param speechLocation string = location

@description('An account of Azure AI Translator.')
param translator bool = false

@description('Model that Azure OpenAI deploys, e.g. the name of a small chat model. Empty: no Azure OpenAI.')
param openAiModel string = ''
param openAiModelVersion string = ''
param openAiLocation string = location

@description('How these accounts are called: with keys, which are put into the vault, or by identity.')
@allowed(['key', 'identity'])
param aiAccess string = 'key'

// How much

param cpu string = '2'
param memory string = '4Gi'

@minValue(1)
param minReplicas int = 1

@minValue(1)
param maxReplicas int = 3

@minValue(0)
param workerReplicas int = 1

@description('Share of traces that are sent: 0 to 1.')
param tracesSampleRatio string = '1'

param logRetentionDays int = 30

var suffix = uniqueString(resourceGroup().id, name)
var vaultName = take('${name}-${suffix}', 24)
var openAi = !empty(openAiModel)
var byIdentity = aiAccess == 'identity'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

module network 'modules/network.bicep' = {
  name: 'network'
  params: {
    name: name
    location: location
    tags: tags
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: vaultName
    location: location
    tags: tags
    readerPrincipalId: identity.properties.principalId
    subnetId: network.outputs.appsSubnetId
    openTo: vaultOpenTo
    metricsToken: metricsToken
    webhookSecret: webhookSecret
    c2paPrivateKey: c2paPrivateKey
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: name
    location: location
    tags: tags
    vaultName: vault.outputs.name
    retentionDays: logRetentionDays
  }
}

module registry 'modules/registry.bicep' = if (!empty(registryName)) {
  name: 'registry'
  scope: resourceGroup(registryResourceGroup)
  params: {
    name: registryName
    principalId: identity.properties.principalId
  }
}

module postgres 'modules/database.bicep' = {
  name: 'postgres'
  params: {
    name: '${name}-${suffix}'
    location: location
    tags: tags
    subnetId: network.outputs.databaseSubnetId
    zoneId: network.outputs.databaseZoneId
    administrator: 'voices'
    password: databasePassword
    sku: postgresSku
    tier: postgresTier
    storageGB: postgresStorageGB
    vaultName: vault.outputs.name
  }
}

module cosmos 'modules/cosmos.bicep' = if (database == 'cosmos') {
  name: 'cosmos'
  params: {
    name: '${name}-${suffix}'
    location: location
    tags: tags
    vaultName: vault.outputs.name
  }
}

module cache 'modules/redis.bicep' = if (redis) {
  name: 'cache'
  params: {
    name: '${name}-${suffix}'
    location: location
    tags: tags
    sku: redisSku
    vaultName: vault.outputs.name
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: take('${replace(toLower(name), '-', '')}${suffix}', 24)
    location: location
    tags: tags
    sku: storageSku
    containerName: storageContainer
    principalId: identity.properties.principalId
    coolAfterDays: coolAfterDays
    recoveryDays: recoveryDays
  }
}

module speechAccount 'modules/ai.bicep' = if (speech) {
  name: 'speechAccount'
  params: {
    name: '${name}-speech-${suffix}'
    location: speechLocation
    tags: tags
    kind: 'SpeechServices'
    access: aiAccess
    roles: [
      'f2dc8367-1007-4938-bd23-fe263f013447' // Cognitive Services Speech User
      '0e75ca1e-0464-4b4d-8b93-68208a576181' // Cognitive Services Speech Contributor: makes and deletes voices
    ]
    principalId: identity.properties.principalId
    vaultName: vault.outputs.name
    secretName: 'azure-speech-key'
  }
}

module translatorAccount 'modules/ai.bicep' = if (translator) {
  name: 'translatorAccount'
  params: {
    name: '${name}-translator-${suffix}'
    location: location
    tags: tags
    kind: 'TextTranslation'
    access: aiAccess
    roles: ['a97b65f3-24c7-4388-baec-2e87135dc908'] // Cognitive Services User
    principalId: identity.properties.principalId
    vaultName: vault.outputs.name
    secretName: 'azure-translator-key'
  }
}

module openAiAccount 'modules/ai.bicep' = if (openAi) {
  name: 'openAiAccount'
  params: {
    name: '${name}-openai-${suffix}'
    location: openAiLocation
    tags: tags
    kind: 'OpenAI'
    access: aiAccess
    roles: ['5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'] // Cognitive Services OpenAI User
    principalId: identity.properties.principalId
    vaultName: vault.outputs.name
    secretName: 'azure-openai-key'
    model: openAiModel
    modelVersion: openAiModelVersion
  }
}

var baseSettings = [
  { name: 'ENVIRONMENT', value: 'production' }
  { name: 'AUTH_MODE', value: authMode }
  { name: 'CONSENT_POLICY', value: consentPolicy }
  { name: 'VOICE_ENGINE', value: voiceEngine }
  { name: 'ALLOWED_ORIGINS', value: join(allowedOrigins, ',') }
  { name: 'LOG_FORMAT', value: 'json' }
  { name: 'KEY_VAULT_URL', value: vault.outputs.uri }
  { name: 'KEY_VAULT_CLIENT_ID', value: identity.properties.clientId }
  { name: 'DATABASE_URL', value: 'kv:database-url' }
  { name: 'METRICS_TOKEN', value: 'kv:metrics-token' }
  { name: 'STORAGE_BACKEND', value: 'azure' }
  { name: 'AZURE_STORAGE_ACCOUNT', value: storage.outputs.accountName }
  { name: 'AZURE_STORAGE_CONTAINER', value: storage.outputs.containerName }
  { name: 'AZURE_STORAGE_CLIENT_ID', value: identity.properties.clientId }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: 'kv:application-insights' }
  { name: 'TRACES_SAMPLE_RATIO', value: tracesSampleRatio }
]

var entraSettings = [
  { name: 'AZURE_TENANT_ID', value: apiTenantId }
  { name: 'AZURE_CLIENT_ID', value: apiClientId }
]

var cosmosSettings = [
  { name: 'COSMOS_DB_ENDPOINT', value: cosmos!.outputs.endpoint }
  { name: 'COSMOS_DB_KEY', value: 'kv:cosmos-db-key' }
]

var speechSettings = concat(
  [
    { name: 'AZURE_SPEECH_REGION', value: speechLocation }
  ],
  byIdentity
    ? [
        { name: 'AZURE_SPEECH_ENDPOINT', value: speechAccount!.outputs.endpoint }
        { name: 'AZURE_SPEECH_RESOURCE_ID', value: speechAccount!.outputs.id }
        { name: 'AZURE_SPEECH_CLIENT_ID', value: identity.properties.clientId }
      ]
    : [
        { name: 'AZURE_SPEECH_KEY', value: 'kv:azure-speech-key' }
      ]
)

var translatorSettings = concat(
  [
    { name: 'AZURE_TRANSLATOR_REGION', value: location }
  ],
  byIdentity
    ? [
        { name: 'AZURE_TRANSLATOR_AUTH', value: 'entra' }
        { name: 'AZURE_TRANSLATOR_RESOURCE_ID', value: translatorAccount!.outputs.id }
      ]
    : [
        { name: 'AZURE_TRANSLATOR_KEY', value: 'kv:azure-translator-key' }
      ]
)

var openAiSettings = concat(
  [
    { name: 'AZURE_OPENAI_ENDPOINT', value: openAiAccount!.outputs.endpoint }
    { name: 'AZURE_OPENAI_DEPLOYMENT', value: openAiModel }
  ],
  byIdentity
    ? [
        { name: 'AZURE_OPENAI_AUTH', value: 'entra' }
      ]
    : [
        { name: 'AZURE_OPENAI_API_KEY', value: 'kv:azure-openai-key' }
      ]
)

var settings = concat(
  baseSettings,
  contains(authMode, 'entra') ? entraSettings : [],
  empty(webhookSecret) ? [] : [{ name: 'WEBHOOK_SECRET', value: 'kv:webhook-secret' }],
  empty(c2paPrivateKey) ? [] : [{ name: 'C2PA_PRIVATE_KEY', value: 'kv:c2pa-private-key' }],
  redis ? [{ name: 'REDIS_URL', value: 'kv:redis-url' }] : [],
  database == 'cosmos' ? cosmosSettings : [],
  speech ? speechSettings : [],
  translator ? translatorSettings : [],
  openAi ? openAiSettings : [],
  byIdentity && (translator || openAi)
    ? [{ name: 'AZURE_AI_CLIENT_ID', value: identity.properties.clientId }]
    : []
)

module apps 'modules/apps.bicep' = {
  name: 'apps'
  params: {
    name: name
    location: location
    tags: tags
    image: image
    registryServer: empty(registryName) ? '' : registry!.outputs.server
    identityId: identity.id
    subnetId: network.outputs.appsSubnetId
    workspaceName: monitoring.outputs.workspaceName
    settings: settings
    hosts: hosts
    c2paCertificate: c2paCertificate
    cpu: cpu
    memory: memory
    minReplicas: minReplicas
    maxReplicas: maxReplicas
    workerReplicas: workerReplicas
  }
  // They read secrets at their start.
  dependsOn: [postgres, cosmos, cache, speechAccount, translatorAccount, openAiAccount]
}

output url string = 'https://${apps.outputs.host}'
output vault string = vault.outputs.name
output storageAccount string = storage.outputs.accountName
output identityClientId string = identity.properties.clientId
