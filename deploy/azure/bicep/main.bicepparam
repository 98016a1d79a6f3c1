// What you choose. Secrets come from the environment of whoever deploys, and stand in no file.
using 'main.bicep'

param name = 'voices'
param image = 'your-registry.azurecr.io/voice-cloning-api:0.1.0'
param registryName = 'your-registry'

param authMode = 'api_key'
param hosts = []
param consentPolicy = 'recorded'

param database = 'postgresql'
param redis = false

param voiceEngine = 'auto'
param translator = false
param openAiModel = ''

param databasePassword = readEnvironmentVariable('VOICES_DATABASE_PASSWORD')
param metricsToken = readEnvironmentVariable('VOICES_METRICS_TOKEN')
param webhookSecret = readEnvironmentVariable('VOICES_WEBHOOK_SECRET', '')
param c2paPrivateKey = readEnvironmentVariable('VOICES_C2PA_PRIVATE_KEY', '')
param c2paCertificate = readEnvironmentVariable('VOICES_C2PA_CERTIFICATE', '')
